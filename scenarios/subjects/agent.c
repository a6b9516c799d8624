/* The build agent inside the drilled images: small, static, and able to say what it is. */
#include <stdio.h>
#include <string.h>

#define AGENT_VERSION "1.0.0"
/* The number of the interface it speaks; a platform that expects another must not run it. */
#define AGENT_INTERFACE 1

int main(int argc, char **argv)
{
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "--version") == 0)) {
        puts("agent " AGENT_VERSION);
    } else if (argc == 2 && strcmp(argv[1], "--interface") == 0) {
        printf("%d\n", AGENT_INTERFACE);
    } else {
        fputs("usage: agent [--version | --interface]\n", stderr);
        return 2;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
