/* The keeper as an executable of its own: every start of a drill executes it, and it loads no
 * library. */
#include "harness/keeper.h"

int main(int argc, char **argv)
{
    return argc > 0 ? keeper_main(argv + 1) : 1;
}
