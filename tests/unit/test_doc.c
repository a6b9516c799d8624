/* Strict JSON with places: what is refused and where, and walking what was taken. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/doc.h"
#include "harness/base/rng.h"

static void parse(struct doc *d, const char *text)
{
    struct err e = {0};

    cr_assert_eq(doc_init(d, "f", text, strlen(text), &e), 0, "%s", e.text);
}

static void refuse_bytes(const char *text, size_t len, const char *complaint)
{
    struct err e = {0};
    struct doc d;

    cr_assert_eq(doc_init(&d, "f", text, len, &e), -1, "\"%s\" was taken", text);
    cr_assert_eq(e.code, ERR_INVALID);
    cr_assert_eq(strncmp(e.text, complaint, strlen(complaint)), 0, "\"%s\" gave: %s", text, e.text);
    cr_assert_null(d.text);
    cr_assert_null(d.root);
}

struct bad {
    const char *text;
    const char *complaint;
};

/* Each slip is told at its own line and column, with what would be right. */
Test(doc, complaints_have_places)
{
    static const struct bad cases[] = {
        {"", "f:1:1: the file is empty; it must hold a JSON object"},
        {" \n\t ", "f:1:1: the file holds only blanks; it must hold a JSON object"},
        {"\xef\xbb\xbf{}", "f:1:1: a byte order mark; "},
        {"{\n\"a\": \"\xff\"}", "f:2:7: the byte 0xff is not UTF-8 here; "},
        {"{\n", "f:2:1: the text ends too early; "},
        {"\"ab", "f:1:4: the text ends too early; "},
        {"{\"a\":1,}", "f:1:8: \"}\" was not expected; JSON has no comma behind the last entry"},
        {"[1,]", "f:1:4: \"]\" was not expected; JSON has no comma behind the last entry"},
        {"{\n \"a\": 1\n \"b\":2}", "f:3:2: \"b\" was not expected; a comma or a colon is missing"},
        {"[1 {}]", "f:1:4: \"{\" was not expected; a comma or a colon is missing"},
        {"{\"a\":}", "f:1:6: \"}\" was not expected; a value belongs behind the colon"},
        {"{'a':1}", "f:1:2: \"'\" was not expected; JSON strings stand in double quotes"},
        {"{a:1}", "f:1:2: \"a\" was not expected; a key is a string in double quotes"},
        {"// x\n{}", "f:1:1: \"/\" was not expected; JSON has no comments"},
        {"[True]", "f:1:2: \"True\" was not expected; a word is true, false or null"},
        {"[01]", "f:1:2: \"0\" was not expected; a JSON number looks like"},
        {"[1.]", "f:1:2: \"1.\" was not expected; a JSON number looks like"},
        {"[+1]", "f:1:2: \"+\" was not expected; a JSON number looks like"},
        {"[NaN]", "f:1:2: \"NaN\" was not expected"},
        {"{} {}", "f:1:4: \"{\" behind the end of the document; "},
        {"{\"a\":\"x\ny\"}", "f:1:8: a line break inside a string; "},
        {"\"a\tb\"", "f:1:3: a tab inside a string; "},
        {"\"a\x01\"", "f:1:3: a control character inside a string; "},
        {"{\u201ca\u201d:1}", "f:1:2: \"\u201c\" was not expected; JSON strings stand in straight"},
        {"a: 1", "f:1:1: \"a\" was not expected; a JSON object begins with {"},
        {"\"a\\q\"", "f:1:3: an unknown escape in a string; "},
        {"[\"\\u12\"]", "f:1:3: an unknown escape in a string; "},
        {"[\"\\ud800\"]", "f:1:2: half of a surrogate pair"},
        {"[\"\\u0000\"]", "f:1:2: \\u0000 in a string; "},
        {"{\"\\u0000\":1}", "f:1:2: \\u0000 in a string; "},
        {"[9223372036854775808]", "f:1:2: the number 9223372036854775808 is out of range; "},
        {"[-9223372036854775809]", "f:1:2: the number -9223372036854775809 is out of range; "},
        {"[1e999]", "f:1:2: the number 1e999 is out of range; "},
        {"}", "f:1:1: \"}\" was not expected"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuse_bytes(cases[i].text, strlen(cases[i].text), cases[i].complaint);
}

/* A key that is there twice is found at any depth, at its second place, however it is written. */
Test(doc, duplicate_keys)
{
    static const struct bad cases[] = {
        {"{\"a\":1,\"a\":2}", "f:1:8: the key \"a\" is here twice; keep one"},
        {"[{\"b\":{\n  \"c\":1,\n  \"c\":2}}]", "f:3:3: the key \"c\" is here twice"},
        {"{\"a\":1,\"\\u0061\":2}", "f:1:8: the key \"\\u0061\" is here twice"},
        {"{\"a\\\"\":1,\"a\\\"\":2}", "f:1:10: the key \"a\\\"\" is here twice"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuse_bytes(cases[i].text, strlen(cases[i].text), cases[i].complaint);
}

/* A NUL byte ends no text quietly, wherever it stands. */
Test(doc, nul_bytes)
{
    refuse_bytes("{}\0", 3, "f:1:3: a NUL byte");
    refuse_bytes("\0", 1, "f:1:1: a NUL byte");
    refuse_bytes("[\"a\0b\"]", 7, "f:1:4: a NUL byte");
}

/* Columns count code points, not bytes. */
Test(doc, columns_are_code_points)
{
    refuse_bytes("[\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x9a\x80\" x]", 15,
                 "f:1:8: \"x\" was not expected");
}

/* 300,000 open brackets are refused at the first that is too many, without any recursion. */
Test(doc, depth)
{
    static char deep[300000];

    memset(deep, '[', sizeof(deep));
    refuse_bytes(deep, sizeof(deep), "f:1:65: nested too deep; at most 64 levels are read");
    memset(deep, '{', sizeof(deep));
    refuse_bytes(deep, sizeof(deep), "f:1:65: nested too deep");
}

/* The deepest nesting that is allowed is read, and brackets in strings do not count. */
Test(doc, depth_that_is_allowed)
{
    char text[2 * DOC_MAX_DEPTH + 1] = "";
    struct doc d;

    memset(text, '[', DOC_MAX_DEPTH);
    memset(text + DOC_MAX_DEPTH, ']', DOC_MAX_DEPTH);
    parse(&d, text);
    doc_close(&d);
    parse(&d,
          "\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"");
    doc_close(&d);
}

/* The place that a complaint about AT names. */
static void check_place(struct doc_at at, const char *expected)
{
    char wanted[64];
    struct err e = {0};

    cr_assert_eq(doc_complain(&e, at, "wrong"), -1);
    (void)snprintf(wanted, sizeof(wanted), "%s: wrong", expected);
    cr_assert_str_eq(e.text, wanted);
}

/* Any JSON value is a document, also one that jsmn alone would not end. */
Test(doc, top_level_values)
{
    static const char *const texts[] = {"1",  "true", "null",     "\"x\"",
                                        "[]", "{}",   " -0.5e3 ", "9223372036854775807"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct doc d;

        parse(&d, texts[i]);
        cr_assert_eq(d.count, 1);
        check_place(doc_root(&d), texts[i][0] == ' ' ? "f:1:2" : "f:1:1");
        doc_close(&d);
    }
}

/* Members and elements come in document order, each with the places of its key and its value. */
Test(doc, walking)
{
    struct doc_at key, value, member;
    struct doc_iter it;
    const char *name;
    struct doc d;

    parse(&d, "{\"z\": {\"deep\": [1, {\"x\": 2}]},\n \"\\u0061\": \"s\",\n \"m\": [[], 7, null]}");
    cr_assert_eq(doc_size(doc_root(&d)), 3);
    it = doc_iterate(doc_root(&d));
    cr_assert(doc_next(&it, &name, &key, &value));
    cr_assert_str_eq(name, "z");
    check_place(key, "f:1:2");
    check_place(value, "f:1:7");
    cr_assert(doc_next(&it, &name, &key, &value));
    cr_assert_str_eq(name, "a");
    check_place(key, "f:2:2");
    check_place(value, "f:2:12");
    cr_assert_str_eq(json_string_value(value.value), "s");
    cr_assert(doc_next(&it, &name, &key, &value));
    check_place(value, "f:3:7");
    cr_assert_not(doc_next(&it, &name, &key, &value));
    cr_assert(doc_member(doc_root(&d), "m", &member));
    cr_assert_eq(doc_size(member), 3);
    it = doc_iterate(member);
    cr_assert(doc_next(&it, NULL, NULL, &value));
    check_place(value, "f:3:8");
    cr_assert(doc_next(&it, NULL, NULL, &value));
    check_place(value, "f:3:12");
    cr_assert_eq(json_integer_value(value.value), 7);
    cr_assert(doc_next(&it, NULL, NULL, &value));
    cr_assert(json_is_null(value.value));
    cr_assert_not(doc_next(&it, NULL, NULL, &value));
    doc_close(&d);
}

/* Asking a value for what its type does not have is no crash and no find. */
Test(doc, wrong_types)
{
    struct doc_at out;
    struct doc_iter it;
    struct doc d;

    parse(&d, "[1]");
    cr_assert_not(doc_member(doc_root(&d), "a", &out));
    doc_close(&d);
    parse(&d, "{}");
    cr_assert_not(doc_member(doc_root(&d), "a", &out));
    it = doc_iterate(doc_root(&d));
    cr_assert_not(doc_next(&it, NULL, NULL, NULL));
    doc_close(&d);
    parse(&d, "5");
    cr_assert_eq(doc_size(doc_root(&d)), 0);
    it = doc_iterate(doc_root(&d));
    cr_assert_not(doc_next(&it, NULL, NULL, &out));
    doc_close(&d);
}

/* jansson's order of members stays that of the tokens however large an object grows. */
Test(doc, many_members_stay_in_step)
{
    enum { MEMBERS = 5000 };
    char *text = malloc(MEMBERS * 32), *p = text;
    struct doc_iter it;
    struct doc_at value;
    const char *name;
    struct doc d;
    int i = 0;

    p += snprintf(p, 4, "{");
    for (int m = 0; m < MEMBERS; m++)
        p += snprintf(p, 32, "%s\"k%d\":%d", m > 0 ? "," : "", m * 7919 % MEMBERS, m);
    (void)snprintf(p, 4, "}");
    parse(&d, text);
    it = doc_iterate(doc_root(&d));
    for (; doc_next(&it, &name, NULL, &value); i++) {
        cr_assert_eq(json_integer_value(value.value), i);
        cr_assert_eq(strtol(name + 1, NULL, 10), i * 7919 % MEMBERS);
    }
    cr_assert_eq(i, MEMBERS);
    doc_close(&d);
    free(text);
}

/* A complaint stands at the value, and does not replace an earlier one. */
Test(doc, complaining)
{
    struct err e = {0};
    struct doc_at value;
    struct doc d;

    parse(&d, "{\n  \"limit\": \"5\"\n}");
    cr_assert(doc_member(doc_root(&d), "limit", &value));
    cr_assert_eq(doc_complain(&e, value, "\"%s\" has no unit", "5"), -1);
    cr_assert_eq(doc_complain(&e, doc_root(&d), "later"), -1);
    cr_assert_eq(e.code, ERR_INVALID);
    cr_assert_str_eq(e.text, "f:2:12: \"5\" has no unit");
    doc_close(&d);
}

struct entry {
    const char *name;
    int other;
};

/* The nearest name is one a person could have meant; otherwise there is none. */
Test(doc, nearest)
{
    static const struct entry table[] = {{"starts", 1},    {"faults", 2}, {NULL, 0},
                                         {"min-fired", 3}, {"until", 4},  {"do", 5}};
    const size_t n = sizeof(table) / sizeof(table[0]);
    char longest[200];

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    cr_assert_str_eq(doc_nearest("start", table, n, sizeof(table[0])), "starts");
    cr_assert_str_eq(doc_nearest("strats", table, n, sizeof(table[0])), "starts");
    cr_assert_str_eq(doc_nearest("Min_Fired", table, n, sizeof(table[0])), "min-fired");
    cr_assert_str_eq(doc_nearest("untill", table, n, sizeof(table[0])), "until");
    cr_assert_null(doc_nearest("registry", table, n, sizeof(table[0])));
    cr_assert_null(doc_nearest("x", table, n, sizeof(table[0])));
    cr_assert_null(doc_nearest("", table, n, sizeof(table[0])));
    cr_assert_null(doc_nearest(longest, table, n, sizeof(table[0])));
}

static void refuse_file(const char *path, const char *words)
{
    struct err e = {0};
    struct doc d;

    cr_assert_eq(doc_load(&d, path, &e), -1);
    cr_assert_eq(e.code, ERR_INVALID);
    cr_assert_eq(strncmp(e.text, path, strlen(path)), 0, "%s", e.text);
    cr_assert_not_null(strstr(e.text, words), "%s", e.text);
    cr_assert_null(d.text);
}

/* Only a regular file of a sane size is read: nothing blocks, nothing fills the memory. */
Test(doc, files)
{
    char dir[] = "/tmp/pulldrill-doc-XXXXXX", path[64];
    struct err e = {0};
    struct doc d;
    int fd;

    cr_assert_not_null(mkdtemp(dir));
    refuse_file(dir, "is a folder");
    (void)snprintf(path, sizeof(path), "%s/file", dir);
    refuse_file(path, "No such file");
    cr_assert_eq(mkfifo(path, 0600), 0);
    refuse_file(path, "is not a regular file");
    unlink(path);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_eq(ftruncate(fd, DOC_MAX_BYTES + 1), 0);
    refuse_file(path, "is larger than");
    cr_assert_eq(ftruncate(fd, 0), 0);
    refuse_file(path, ":1:1: the file is empty");
    cr_assert_eq(write(fd, "{\"a\":1}", 7), 7);
    close(fd);
    cr_assert_eq(doc_load(&d, path, &e), 0, "%s", e.text);
    cr_assert_str_eq(d.name, path);
    doc_close(&d);
    unlink(path);
    rmdir(dir);
}

/* A text over the limit is refused before anything looks at it. */
Test(doc, size_limit)
{
    size_t len = DOC_MAX_BYTES + 1;
    char *text = malloc(len);
    struct err e = {0};
    struct doc d;

    memset(text, ' ', len);
    text[0] = '1';
    cr_assert_eq(doc_init(&d, "f", text, len, &e), -1);
    cr_assert_not_null(strstr(e.text, "bytes are too many"));
    e = (struct err){0};
    cr_assert_eq(doc_init(&d, "f", text, len - 1, &e), 0, "%s", e.text);
    doc_close(&d);
    free(text);
}

/* However a scenario is mangled, the answer is a document or one complaint, never a crash. */
Test(doc, mangled_texts)
{
    static const char whole[] =
        "{\"a\": [1, -2.5e3, \"\\u00fc\\\"x\xc3\xbc\", {\"b\": null, \"c\": [true]}],"
        " \"d\": {\"e\": \"\\ud83d\\ude80\"}}";
    struct rng r;

    rng_init(&r, 99);
    for (int round = 0; round < 20000; round++) {
        char text[sizeof(whole)];
        size_t len = sizeof(whole) - 1;
        struct err e = {0};
        struct doc d;

        memcpy(text, whole, sizeof(whole));
        for (uint64_t edits = 1 + rng_next(&r) % 3; edits > 0; edits--)
            text[rng_next(&r) % len] = "{}[]\",:\\u0e-.x \n\xff"[rng_next(&r) % 17];
        if (rng_next(&r) % 4 == 0)
            len = rng_next(&r) % len;
        if (doc_init(&d, "f", text, len, &e) == 0)
            doc_close(&d);
        else
            cr_assert_eq(e.code, ERR_INVALID, "%.*s: %s", (int)len, text, e.text);
    }
}
