/* Lets every test binary be its own keeper and make namespaces, as the program's main does:
 * Criterion owns main here, so a constructor looks at argv[0] first. Tests say
 * subject_set_program("/proc/self/exe"). */
#include <string.h>
#include <unistd.h>

#include "harness/keeper.h"
#include "harness/lane_space.h"
#include "harness/scratch_broom.h"

__attribute__((constructor)) static void become_keeper(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], KEEPER_ARGV0) == 0)
        _exit(keeper_main(argv + 1));
    if (argc > 0 && strcmp(argv[0], SPACE_ARGV0) == 0)
        _exit(space_main(argv + 1));
    if (argc > 0 && strcmp(argv[0], BROOM_ARGV0) == 0)
        _exit(broom_main(argv + 1));
}
