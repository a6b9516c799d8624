/* Lets every test binary be its own keeper, as the program's main does: Criterion owns main here,
 * so a constructor looks at argv[0] first. Tests say subject_set_program("/proc/self/exe"). */
#include <string.h>
#include <unistd.h>

#include "harness/keeper.h"

__attribute__((constructor)) static void become_keeper(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], KEEPER_ARGV0) == 0)
        _exit(keeper_main(argv + 1));
}
