/* Queries by TCP: each behind its length in two bytes, any number on one connection.
 *
 * Happy path: a connection is accepted, its bytes gathered until a query is whole, which is
 * answered on it. It ends when the client closes it, or with the start. Failure modes: one that
 * sends no whole query, or a longer one than is taken, is closed; so is one that does not take its
 * answer, and the oldest where there are too many. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/services/dns_internal.h"

#define LENGTH_BYTES 2

struct dns_stream {
    struct dns_stream *next;
    struct dns_server *server;
    uint64_t number;
    uv_poll_t poll;
    int fd;
    uint8_t bytes[LENGTH_BYTES + DNS_MAX_QUERY];
    size_t len;
};

static void on_closed(uv_handle_t *handle)
{
    struct dns_stream *stream = handle->data;
    struct dns_server *s = stream->server;
    free(stream);
    dns_handle_closed(s);
}

static void stream_close(struct dns_stream *stream)
{
    struct dns_server *s = stream->server;
    for (struct dns_stream **at = &s->streams; *at != NULL; at = &(*at)->next) {
        if (*at == stream) {
            *at = stream->next;
            s->stream_count--;
            break;
        }
    }
    (void)uv_poll_stop(&stream->poll);
    (void)close(stream->fd);
    stream->fd = -1;
    uv_close((uv_handle_t *)&stream->poll, on_closed);
}

/* Takes the whole queries among what has come. Answering one may close the stream. */
static void take_whole(struct dns_stream *stream)
{
    const struct dns_asker asker = {.tcp = true, .stream = stream->number};
    while (stream->fd >= 0 && stream->len >= LENGTH_BYTES) {
        size_t len = (size_t)ns_get16(stream->bytes) + LENGTH_BYTES;
        uint8_t query[DNS_MAX_QUERY];
        if (len > sizeof(stream->bytes)) {
            stream_close(stream);
            return;
        }
        if (stream->len < len) {
            return;
        }
        memcpy(query, stream->bytes + LENGTH_BYTES, len - LENGTH_BYTES);
        stream->len -= len;
        memmove(stream->bytes, stream->bytes + len, stream->len);
        dns_take(stream->server, query, len - LENGTH_BYTES, &asker);
    }
}

/* One recv. False where nothing came, or the stream is closed. */
static bool take_some(struct dns_stream *stream)
{
    ssize_t n =
        recv(stream->fd, stream->bytes + stream->len, sizeof(stream->bytes) - stream->len, 0);
    if (n > 0) {
        stream->len += (size_t)n;
        take_whole(stream);
        return stream->fd >= 0;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        stream_close(stream);
    }
    return false;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status; /* recv says what is wrong */
    (void)events;
    (void)take_some(poll->data);
}

static void stream_open(struct dns_server *s, int fd)
{
    struct dns_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL || uv_poll_init(s->config.loop, &stream->poll, fd) != 0) {
        free(stream);
        (void)close(fd);
        return;
    }
    s->handles++;
    stream->server = s;
    stream->number = ++s->stream_ids;
    stream->poll.data = stream;
    stream->fd = fd;
    stream->next = s->streams;
    s->streams = stream;
    s->stream_count++;
    if (uv_poll_start(&stream->poll, UV_READABLE, on_poll) != 0) {
        stream_close(stream);
    }
    while (s->stream_count > DNS_MAX_STREAMS) {
        struct dns_stream *oldest = s->streams;
        while (oldest->next != NULL) {
            oldest = oldest->next;
        }
        stream_close(oldest);
    }
}

void dns_streams_accept(struct dns_server *s, size_t max)
{
    for (size_t i = 0; i < max; i++) {
        int fd = accept4(s->config.tcp_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            stream_open(s, fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

void dns_streams_close(struct dns_server *s)
{
    while (s->streams != NULL) {
        stream_close(s->streams);
    }
}

void dns_streams_end(struct dns_server *s)
{
    dns_streams_accept(s, DNS_MAX_STREAMS);
    while (s->streams != NULL) {
        struct dns_stream *stream = s->streams;
        for (size_t i = 0; i < DNS_MAX_TURN && take_some(stream); i++) {
        }
        if (s->streams == stream) {
            stream_close(stream);
        }
    }
}

bool dns_stream_send(struct dns_server *s, uint64_t number, const uint8_t *bytes, size_t len)
{
    struct dns_stream *stream = s->streams;
    uint8_t out[LENGTH_BYTES + DNS_MAX_ANSWER];
    while (stream != NULL && stream->number != number) {
        stream = stream->next;
    }
    if (stream == NULL) {
        return false;
    }
    ns_put16((unsigned)len, out);
    memcpy(out + LENGTH_BYTES, bytes, len);
    if (send(stream->fd, out, len + LENGTH_BYTES, MSG_NOSIGNAL) == (ssize_t)(len + LENGTH_BYTES)) {
        return true;
    }
    stream_close(stream);
    return false;
}
