/* SPDX-License-Identifier: Apache-2.0 */
#include "support/peer.h"

#include "support/unit.h"

#include <errno.h>

#define PEER_BIT_MAX 65536u

/* The stream is a sequence of words: its key, then what follows from key and position. */
static void peer_stream(uint64_t key, uint64_t position, unsigned char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        uint64_t      at   = position + done;
        uint64_t      word = at < PEER_KEY_SIZE ? key : rng_mix(key + at / 8);
        size_t        take = LL_MIN(size - done, 8 - at % 8);
        unsigned char whole[8];
        memcpy(whole, &word, sizeof whole);
        memcpy(bytes + done, whole + at % 8, take);
        done += take;
    }
}

static void peer_close(struct peer *peer, bool reset)
{
    struct io *io = peer->loop->io;
    if (reset)
        io->ops->reset(io, peer->watch.fd);
    else
        io->ops->close(io, peer->watch.fd);
    peer->watch.fd  = -1;
    peer->closed    = true;
    peer->closed_ns = peer->loop->now_ns;
    timer_cancel(&peer->loop->timers, &peer->timer);
}

void peer_reset(struct peer *peer)
{
    peer->did_reset = true;
    peer_close(peer, true);
}

static void peer_break(struct peer *peer, int error)
{
    assert_true(error > 0 && error != EAGAIN);
    peer->error = error;
    peer_close(peer, false);
}

static void peer_check_bytes(struct peer *peer, const unsigned char *bytes, size_t size)
{
    static unsigned char expected[PEER_BIT_MAX];
    size_t               key = 0; /* bytes of the key among them */
    while (key < size && peer->received + key < PEER_KEY_SIZE) {
        peer->other_key |= (uint64_t)bytes[key] << (8 * (peer->received + key));
        key++;
    }
    peer_stream(peer->other_key, peer->received + key, expected, size - key);
    assert_memory_equal(bytes + key, expected, size - key);
    peer->received += size;
}

static size_t peer_bit(struct peer *peer)
{
    return 1 + (size_t)rng_below(&peer->rng, peer->plan.bit_max);
}

/* True where there may be more to read at once. */
static bool peer_read(struct peer *peer)
{
    static unsigned char bytes[PEER_BIT_MAX];
    struct io           *io = peer->loop->io;
    if (peer->ended || peer->deaf)
        return false;
    ssize_t count = io->ops->recv(io, peer->watch.fd, bytes, peer_bit(peer));
    if (count == -EAGAIN)
        return false;
    if (count < 0) {
        peer_break(peer, (int)-count);
        return false;
    }
    peer->ended = count == 0;
    peer_check_bytes(peer, bytes, (size_t)count);
    return count > 0;
}

/* True where more can be sent at once. */
static bool peer_write(struct peer *peer)
{
    static unsigned char bytes[PEER_BIT_MAX];
    struct io           *io = peer->loop->io;
    if (peer->sent == peer->plan.size || peer->shut)
        return false;
    size_t bit  = peer_bit(peer);
    size_t size = LL_MIN(bit, peer->plan.size - peer->sent);
    peer_stream(peer->key, peer->sent, bytes, size);
    ssize_t count = io->ops->send(io, peer->watch.fd, bytes, size);
    if (count == -EAGAIN)
        return false;
    if (count < 0) {
        peer_break(peer, (int)-count);
        return false;
    }
    peer->sent += (uint64_t)count;
    return true;
}

static void peer_finish(struct peer *peer)
{
    struct io       *io     = peer->loop->io;
    enum peer_manner manner = peer->plan.manner;
    bool             said   = peer->sent == peer->plan.size;
    if (peer->sent + peer->received >= peer->plan.reset_after) {
        peer_reset(peer);
        return;
    }
    if (said && manner == PEER_QUITS) {
        peer->shut = true;
        peer_close(peer, false);
        return;
    }
    bool ends = manner == PEER_ENDS || (manner == PEER_WAITS && peer->ended);
    if (said && ends && !peer->shut) {
        peer->shut = true;
        io->ops->shutdown_write(io, peer->watch.fd);
    }
    if (peer->shut && peer->ended)
        peer_close(peer, false);
}

static void peer_act(struct peer *peer)
{
    bool more = true;
    while (more && !peer->closed) {
        more = peer_read(peer);
        if (!peer->closed)
            more = peer_write(peer) || more;
        if (!peer->closed)
            peer_finish(peer);
        if (peer->plan.pause_max_ns > 0)
            break;
    }
    if (more && !peer->closed && !timer_armed(&peer->timer))
        timer_arm(&peer->loop->timers, &peer->timer,
                  peer->loop->now_ns + rng_below(&peer->rng, peer->plan.pause_max_ns));
}

static void peer_on_timer(struct timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    peer_act(LL_CONTAINER_OF(timer, struct peer, timer));
}

static void peer_on_ready(struct watch *watch, uint32_t ready)
{
    struct peer *peer = LL_CONTAINER_OF(watch, struct peer, watch);
    if (!peer->connected) {
        int error = (ready & IO_ERROR) ? peer->loop->io->ops->error(peer->loop->io, watch->fd) : 0;
        if (error != 0) {
            peer_break(peer, error);
            return;
        }
        peer->connected = (ready & IO_WRITE) != 0;
    }
    if (peer->connected && !timer_armed(&peer->timer))
        peer_act(peer);
}

void peer_hear(struct peer *peer)
{
    peer->deaf = false;
    if (!peer->closed)
        peer_act(peer);
}

void peer_start(struct peer *peer, struct loop *loop, int fd, bool connecting, uint64_t key,
                const struct peer_plan *plan)
{
    assert_true(fd >= 0 && plan->bit_max > 0 && plan->bit_max <= PEER_BIT_MAX);
    assert_true(plan->size == 0 || plan->size >= PEER_KEY_SIZE);
    *peer = (struct peer){
        .watch     = {.on_ready = peer_on_ready, .fd = fd},
        .timer     = {.on_expiry = peer_on_timer},
        .loop      = loop,
        .plan      = *plan,
        .key       = key,
        .opened_ns = loop->now_ns,
        .connected = !connecting,
    };
    rng_seed(&peer->rng, key, 3);
    assert_int_equal(loop->io->ops->watch_stream(loop->io, &peer->watch), 0);
}

void peer_check(const struct peer *from, const struct peer *to)
{
    assert_true(to->received <= from->sent);
    if (to->received >= PEER_KEY_SIZE)
        assert_int_equal(to->other_key, from->key);
    if (to->ended) {
        assert_true(from->shut);
        assert_int_equal(from->sent, from->plan.size);
        assert_int_equal(to->received, from->plan.size);
    }
}
