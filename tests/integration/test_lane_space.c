/* The namespaces of a lane, with real sockets and mounts; skipped where the machine has none. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/keeper.h"
#include "harness/lane_space.h"
#include "harness/scratch.h"
#include "harness/subject.h"

static char folder[SCRATCH_PATH];
static int hold = -1;
static struct names names;
static struct space *space;

static void make_folder(void)
{
    struct err e = {0};

    subject_set_program("/proc/self/exe");
    cr_assert_eq(scratch_open(folder, &hold, &e), 0, "%s", e.text);
    names.count = 2;
    names.row[0] = (struct name_row){.name = "quay.io", .address = "198.18.1.1"};
    names.row[1] = (struct name_row){.name = "public.ecr.aws", .address = "198.18.1.2"};
}

static void close_all(void)
{
    struct err e = {0};

    space_free(space);
    cr_expect_eq(scratch_remove(folder, &e), 0, "%s", e.text);
    scratch_close(folder, hold);
}

/* False where the machine has no namespaces: nothing is to be seen then. */
static bool open_space(bool overlay)
{
    struct err e = {0};
    const struct space_want want = {
        .names = &names, .dir = folder, .machine = {.overlay = overlay}};

    space = space_new(&want, &e);
    if (space == NULL && e.code == ERR_UNSUPPORTED) {
        printf("skipped: %s\n", e.text);
        return false;
    }
    cr_assert_not_null(space, "%s", e.text);
    return true;
}

/* Runs SCRIPT in the namespaces, as a keeper does; its exit code, with its output in TEXT. */
static int run_inside(const char *script, char *text, size_t size)
{
    const int spaces[] = {space->user, space->net, space->mnt, space->uts};
    int out[2], control[2], report[2];
    struct keeper_report said = {0};
    size_t len = 0;
    ssize_t n = 1;

    cr_assert(pipe(out) == 0 && pipe(control) == 0 && pipe(report) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        int first = space->user < 0 ? 1 : 0;
        int fds[] = {control[0],        report[1],         spaces[first],
                     spaces[first + 1], spaces[first + 2], first == 0 ? spaces[3] : -1};
        for (int i = 0; i < 6; i++) /* out of the way of what is to be there */
            fds[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD, 100);
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        for (int i = 0; i < 6; i++) {
            if (fds[i] >= 0)
                dup2(fds[i], KEEPER_CONTROL_FD + i);
        }
        execl("/proc/self/exe", KEEPER_ARGV0, KEEPER_END, first == 0 ? "4" : "3", "bash", "-c",
              script, (char *)NULL);
        _exit(99);
    }
    close(out[1]);
    close(report[1]);
    close(control[0]);
    while (n > 0 && len < size - 1) {
        n = read(out[0], text + len, size - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    text[len] = '\0';
    cr_assert_eq(read(report[0], &said, sizeof said), (ssize_t)sizeof said);
    close(control[1]);
    close(out[0]);
    close(report[0]);
    waitpid(pid, NULL, 0);
    cr_assert_eq(said.how, KEEPER_EXITED, "%u: %s", said.how, strerror(said.value));
    return said.value;
}

/* A listener handed out is reached by the name's address from inside. */
Test(lane_space, a_listener_made_inside_is_served_from_outside, .init = make_folder,
     .fini = close_all)
{
    char text[4096];

    if (!open_space(false))
        return;
    cr_assert_eq(listen(space->name[1].http, 8), 0);
    run_inside("exec 3<>/dev/tcp/198.18.1.2/80; cat /proc/net/dev", text, sizeof text);
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    int fd = accept(space->name[1].http, (struct sockaddr *)&peer, &len);
    cr_expect_geq(fd, 0, "%s: %s", strerror(errno), text);
    cr_expect_eq(peer.sin_addr.s_addr, inet_addr("198.18.1.2"));
    cr_expect_not_null(strstr(text, "lo:"));
    cr_expect_null(strstr(text, "eth"), "%s", text);
    close(fd);
}

/* Where no listener is, a connection is refused, and the lane's own counters say so. */
Test(lane_space, a_refusal_is_counted_in_the_lane, .init = make_folder, .fini = close_all)
{
    struct net_counters before, after;
    char text[4096];

    if (!open_space(false))
        return;
    space_counters(space, &before);
    cr_expect_neq(run_inside("exec 3<>/dev/tcp/198.18.1.1/443", text, sizeof text), 0);
    cr_expect_not_null(strstr(text, "refused"), "%s", text);
    space_counters(space, &after);
    cr_expect_eq(after.value[NET_TCP_ATTEMPT_FAILS], before.value[NET_TCP_ATTEMPT_FAILS] + 1);
    cr_expect_eq(after.value[NET_TCP_OUT_RSTS], before.value[NET_TCP_OUT_RSTS] + 1);
}

/* Without its addresses the lane has no way to a name, with the loopback there; given back, it has
 * one as before. */
Test(lane_space, the_network_goes_and_comes_back, .init = make_folder, .fini = close_all)
{
    static const char ask[] = "exec 3<>/dev/tcp/198.18.1.2/80";
    struct err e = {0};
    char text[4096];

    if (!open_space(false))
        return;
    cr_assert_eq(listen(space->name[1].http, 8), 0);
    cr_assert_eq(space_network(space, false, &e), 0, "%s", e.text);
    cr_assert_eq(space_network(space, false, &e), 0, "taken away twice: %s", e.text);
    cr_expect_neq(run_inside(ask, text, sizeof text), 0);
    cr_expect_not_null(strstr(text, "nreachable"), "%s", text);
    cr_expect_neq(run_inside("exec 3<>/dev/tcp/127.0.0.1/80", text, sizeof text), 0);
    cr_expect_not_null(strstr(text, "refused"), "%s", text);
    cr_assert_eq(space_network(space, true, &e), 0, "%s", e.text);
    cr_expect_eq(run_inside(ask, text, sizeof text), 0, "%s", text);
    /* Its neighbours are still nobody's. */
    cr_expect_neq(run_inside("exec 3<>/dev/tcp/198.18.1.9/80", text, sizeof text), 0);
    cr_expect_not_null(strstr(text, "nreachable"), "%s", text);
}

/* Names are looked up at the lane's own name server and nowhere else; what was needed to mount that
 * has left nothing in ${lane.dir}. Who runs it is root there, and itself outside. */
Test(lane_space, files_of_the_machine_lead_to_the_name_server, .init = make_folder,
     .fini = close_all)
{
    char text[4096], path[SCRATCH_PATH + 8];
    struct stat st;

    if (!open_space(false))
        return;
    run_inside("cat /etc/resolv.conf; grep hosts: /etc/nsswitch.conf; id -u", text, sizeof text);
    cr_expect_not_null(strstr(text, "nameserver " NAMES_DNS "\n"), "%s", text);
    cr_expect_null(strstr(text, "search"));
    cr_expect_not_null(strstr(text, "hosts: files dns\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\n0\n"), "%s", text);
    char script[3 * SCRATCH_PATH];
    snprintf(script, sizeof script, "ls -A %s; echo >%s/mine", folder, folder);
    run_inside(script, text, sizeof text);
    cr_expect_str_eq(text, "");
    snprintf(path, sizeof path, "%s/mine", folder);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_uid, geteuid());
}

/* In a root that is thrown away whatever is written or deleted, the machine keeps what it has;
 * ${lane.dir} is the true one. */
Test(lane_space, an_overlaid_root_takes_what_is_written, .init = make_folder, .fini = close_all)
{
    char text[4096], script[1024];
    struct stat st;

    if (!open_space(true))
        return;
    snprintf(script, sizeof script,
             "for d in /etc /usr /opt /root /var /tmp /dev /dev/shm /run; do "
             "echo mark >$d/pulldrill-test || exit 1; done; rm -rf /opt /etc/ssl /usr/share/doc; "
             "[ ! -e /etc/ssl ] && rm /etc/resolv.conf && echo y >/etc/resolv.conf && "
             "[ \"$(stat -c %%a /tmp)\" = 1777 ] && [ -c /dev/null ] && echo seen >%s/seen",
             folder);
    cr_expect_eq(run_inside(script, text, sizeof text), 0, "%s", text);
    static const char *const marks[] = {"/etc", "/usr", "/opt", "/root",   "/var",
                                        "/tmp", "/dev", "/run", "/dev/shm"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        snprintf(script, sizeof script, "%s/pulldrill-test", marks[i]);
        cr_expect_neq(stat(script, &st), 0, "%s was written", script);
    }
    cr_expect_eq(stat("/etc/ssl", &st), 0);
    snprintf(script, sizeof script, "%s/seen", folder);
    cr_expect_eq(stat(script, &st), 0);
    cr_expect_eq(
        run_inside("grep -q y /etc/resolv.conf && [ -e /etc/pulldrill-test ]", text, sizeof text),
        0, "what was written is gone before its lane");
}

/* A machine gives itself its name when it is provisioned: this one keeps its own. */
Test(lane_space, the_host_name_is_the_lanes_own, .init = make_folder, .fini = close_all)
{
    char text[4096], before[HOST_NAME_MAX + 1] = "", after[HOST_NAME_MAX + 1] = "";

    if (!open_space(false))
        return;
    gethostname(before, sizeof before - 1);
    cr_expect_eq(run_inside("hostname lane-name && uname -n", text, sizeof text), 0, "%s", text);
    cr_expect_str_eq(text, "lane-name\n");
    gethostname(after, sizeof after - 1);
    if (strcmp(after, before) != 0)
        (void)sethostname(before, strlen(before));
    cr_expect_str_eq(after, before);
}

/* In a root that is thrown away no disk is there to be written past it. */
Test(lane_space, an_overlaid_root_has_no_disks, .init = make_folder, .fini = close_all)
{
    char text[4096];

    if (!open_space(true))
        return;
    cr_expect_eq(run_inside("find /dev -xdev -type b ! -name 'loop*'", text, sizeof text), 0);
    cr_expect_str_eq(text, "");
}
