/* Names of registries, and what a subject with names sees of the machine. */
#include <criterion/criterion.h>

#include "harness/names.h"
#include "tests/lib/scenario_text.h"

#define SCENARIO(registries, subject)                                                              \
    "{'version': 1, 'title': 'Names', 'registries': {" registries "},"                             \
    "'subjects': {'pull': {'command': ['./pull'], 'reach': 'names'" subject "}},"                  \
    "'phases': [{'name': 'steady', 'starts': 1}]}"

/* In the order of the file, with the hosts apart from the registry behind its own. */
Test(scenario_names, names_are_kept_in_order)
{
    struct err e = {0};
    struct scenario *s = scenario_quoted(
        SCENARIO("'primary': {'names': ['docker.io', 'registry-1.docker.io'], 'auth': 'token',"
                 "'hosts': {'token': 'auth.docker.io', 'blobs': 'cdn.docker.com'}},"
                 "'failover': {'names': ['quay.io']}",
                 ""),
        NULL, &e);
    struct plan plan = {.scenario = s};
    struct names names;
    static const struct {
        const char *name;
        int registry;
        enum server_role role;
    } wanted[] = {{"docker.io", 0, SERVER_REGISTRY},
                  {"registry-1.docker.io", 0, SERVER_REGISTRY},
                  {"auth.docker.io", 0, SERVER_TOKEN},
                  {"cdn.docker.com", 0, SERVER_BLOBS},
                  {"quay.io", 1, SERVER_REGISTRY}};

    cr_assert_not_null(s, "%s", e.text);
    cr_expect_eq(s->subjects[0].reach, REACH_NAMES);
    names_of(&plan, &names);
    cr_assert_eq(names.count, 5);
    for (size_t i = 0; i < names.count; i++) {
        cr_expect_str_eq(names.row[i].name, wanted[i].name);
        cr_expect_eq(names.row[i].registry, wanted[i].registry);
        cr_expect_eq(names.row[i].role, wanted[i].role);
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(names.row[i].address, names.row[k].address);
        cr_expect_str_neq(names.row[i].address, NAMES_DNS);
    }
    cr_expect_eq(names_find(&names, "Registry-1.Docker.IO."), &names.row[1]);
    cr_expect_null(names_find(&names, "registry-1.docker.io.."));
    cr_expect_null(names_find(&names, "docker"));
    scenario_free(s);
}

/* Nothing of the machine's engines is within reach, and its own files are, unless the file says. */
Test(scenario_names, the_machine_is_masked_and_its_root_kept_by_default)
{
    struct err e = {0};
    struct scenario *s =
        scenario_quoted(SCENARIO("'primary': {'names': ['quay.io']}", ""), NULL, &e);

    cr_assert_not_null(s, "%s", e.text);
    cr_expect(!s->subjects[0].machine.overlay && !s->subjects[0].machine.keep_sockets);
    scenario_free(s);
    s = scenario_quoted(SCENARIO("'primary': {'names': ['quay.io']}",
                                 ", 'machine': {'root': 'overlay', 'sockets': 'keep'}"),
                        NULL, &e);
    cr_assert_not_null(s, "%s", e.text);
    cr_expect(s->subjects[0].machine.overlay && s->subjects[0].machine.keep_sockets);
    scenario_free(s);
}
