/* The files by which a machine finds hosts, as a lane with names has them. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "harness/lane_space_internal.h"

static void expect_text(char *text, const char *wanted)
{
    cr_assert_not_null(text);
    cr_expect_str_eq(text, wanted);
    free(text);
}

/* One name server, and no domain that names would be tried in. */
Test(lane_space_texts, the_resolver_asks_our_server_alone)
{
    expect_text(space_text_resolv(), "nameserver " NAMES_DNS "\noptions timeout:5 attempts:2\n");
}

/* The machine finds itself, and no registry, in its own table. */
Test(lane_space_texts, hosts_have_the_machine_alone)
{
    expect_text(space_text_hosts("box"), "127.0.0.1 localhost\n"
                                         "::1 localhost ip6-localhost ip6-loopback\n"
                                         "127.0.1.1 box\n");
    expect_text(space_text_hosts(""), "127.0.0.1 localhost\n"
                                      "::1 localhost ip6-localhost ip6-loopback\n");
    expect_text(space_text_hosts("localhost"), "127.0.0.1 localhost\n"
                                               "::1 localhost ip6-localhost ip6-loopback\n");
}

/* How users are found stays as it is; how hosts are found is ours, however it was written. */
Test(lane_space_texts, only_the_entry_of_hosts_is_replaced)
{
    expect_text(space_text_nsswitch("# as installed\npasswd: files systemd\n"
                                    "\thosts : files mymachines resolve [!UNAVAIL=return] dns\n"
                                    "hosts_like: files\nservices: db files"),
                "# as installed\npasswd: files systemd\nhosts_like: files\nservices: db files\n"
                "hosts: files dns\n");
    expect_text(space_text_nsswitch(NULL), "hosts: files dns\n");
}
