/* The vocabulary of operations. */
#include <criterion/criterion.h>

#include "harness/history/op.h"

/* Every operation has a name of its own that leads back to it. */
Test(op, names_lead_back)
{
    for (unsigned i = 0; i < OP_COUNT; i++) {
        enum op op = OP_COUNT;

        cr_assert(op_parse(op_name((enum op)i), &op));
        cr_assert_eq(op, (enum op)i);
        cr_assert_eq(op_set(op_name((enum op)i)), OP_BIT(i));
    }
}

/* Globs name sets; what names nothing is empty. */
Test(op, sets)
{
    enum op op;

    cr_assert_eq(op_set("blob-*"), OP_BIT(OP_BLOB_HEAD) | OP_BIT(OP_BLOB_GET));
    cr_assert_eq(op_set("*-head"), OP_BIT(OP_MANIFEST_HEAD) | OP_BIT(OP_BLOB_HEAD));
    cr_assert_eq(op_set("*"), OP_BIT(OP_COUNT) - 1);
    cr_assert_eq(op_set("blob"), 0);
    cr_assert_eq(op_set(""), 0);
    cr_assert_not(op_parse("blob-*", &op));
    cr_assert_not(op_parse("", &op));
}

/* Attempts are counted of manifests and blobs, by HEAD and by GET, and of nothing else. */
Test(op, objects)
{
    for (unsigned i = 0; i < OP_COUNT; i++) {
        cr_assert_eq(op_is_manifest((enum op)i), i == OP_MANIFEST_HEAD || i == OP_MANIFEST_GET);
        cr_assert_eq(op_is_blob((enum op)i), i == OP_BLOB_HEAD || i == OP_BLOB_GET);
    }
}
