/* A registry to measure: one image with one small layer on 127.0.0.1, its port on stdout, until
 * SIGTERM. Argument: the history's file, or "-" for none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "fake-registry/image.h"
#include "fake-registry/server.h"
#include "faults/engine.h"
#include "harness/history/history.h"

struct bench {
    uv_loop_t loop;
    uv_signal_t term;
    uv_check_t turn;
    struct history *history;
    struct fault_engine *faults;
    struct store *store;
    struct server *server;
    int failed;
};

static int complain(const struct err *e)
{
    fprintf(stderr, "bench_server: %s\n", e->text);
    return 1;
}

static void on_turn(uv_check_t *check)
{
    struct bench *b = check->data;
    struct err e = {0};
    if (history_flush(b->history, &e) != 0 && !b->failed) {
        b->failed = complain(&e);
    }
}

static void on_term(uv_signal_t *handle, int signal)
{
    struct bench *b = handle->data;
    (void)signal;
    server_close(b->server, NULL, NULL);
    uv_close((uv_handle_t *)&b->term, NULL);
    uv_close((uv_handle_t *)&b->turn, NULL);
}

static int put_image(struct bench *b, struct err *e)
{
    const struct image_layer layer = {.size = 4096};
    const struct image_recipe recipe = {
        .name = "bench", .seed = 1, .layers = &layer, .layer_count = 1};
    struct image image;
    if (image_build(&recipe, &image, e) != 0) {
        return -1;
    }
    int result = image_put(&image, b->store, "ci/agent", "stable", e);
    image_close(&image);
    return result;
}

static int open_all(struct bench *b, const char *path, struct err *e)
{
    b->history = history_new(strcmp(path, "-") == 0 ? NULL : path, e);
    b->faults = fault_engine_new(NULL, 0, 1, e);
    b->store = store_new(e);
    if (b->history == NULL || b->faults == NULL || b->store == NULL || put_image(b, e) != 0) {
        return -1;
    }
    const struct server_config config = {
        .loop = &b->loop, .history = b->history, .faults = b->faults};
    b->server = server_new(&config, e);
    int registry =
        b->server != NULL
            ? server_add_registry(
                  b->server, &(struct server_registry){.name = "primary", .store = b->store}, e)
            : -1;
    int listener =
        registry < 0
            ? -1
            : server_listen(b->server, &(struct server_listen){.registry = registry, .lane = 1},
                            "127.0.0.1", 0, e);
    if (listener < 0) {
        return -1;
    }
    server_lane_begin(b->server, 1, 1);
    printf("%u\n", server_port(b->server, listener));
    return fflush(stdout) == 0 ? 0 : err_set(e, ERR_IO, "stdout is closed");
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct err e = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: bench_server HISTORY-FILE|-\n");
        return 4;
    }
    if (uv_loop_init(&b.loop) != 0 || open_all(&b, argv[1], &e) != 0) {
        return complain(&e);
    }
    (void)uv_signal_init(&b.loop, &b.term);
    (void)uv_check_init(&b.loop, &b.turn);
    b.term.data = &b;
    b.turn.data = &b;
    (void)uv_signal_start(&b.term, on_term, SIGTERM);
    (void)uv_check_start(&b.turn, on_turn);
    (void)uv_run(&b.loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&b.loop) != 0) {
        (void)err_set(&e, ERR_INTERNAL, "the loop did not close");
        b.failed = complain(&e);
    }
    store_free(b.store);
    fault_engine_free(b.faults);
    history_free(b.history);
    return b.failed;
}
