/* What makes commands on a lane trust the drill's own certificate authority: files in the lane's
 * folder, in each form that clients read, and variables that point at them. */
#ifndef PULLDRILL_LANE_TRUST_H
#define PULLDRILL_LANE_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"
#include "harness/lane.h"

struct environment;
struct tls_context; /* fake-registry/tls.h */

/* Whether any registry of the plan speaks TLS: whether the drill needs an authority. */
bool lane_trust_wanted(const struct scenario *s);

/* The context for listeners of REGISTRY that answer as one of NAMES: host names, or numeric
 * addresses, of which its certificate then tells. Kept by the drill's authority (SHARED->ca), which
 * gives the same context for the same names and demands. NULL: E says why. */
struct tls_context *lane_trust_context(const struct lane_shared *shared, int registry,
                                       const char *const *names, size_t count, struct err *e);

/* Makes ${lane.dir}/trust; to be called by a reach's open once endpoint[] and tls[] are filled.
 * Nothing where nothing speaks TLS. Sets lane->ca_file and lane->trust:
 *   ca.crt             the authority's certificate alone, PEM
 *   ca-bundle.crt      those the system trusts, and ours
 *   hashed/HASH.0      ours, as a folder for OpenSSL (SSL_CERT_DIR, curl --capath)
 *   certs.d/HOST[:PORT]/ca.crt, and client.cert and client.key where certificates of clients are
 *                      asked for: for every TLS endpoint of the lane and every name of the plan
 *   client.crt, client.key  the same, where any registry asks */
int lane_trust_make(struct lane *lane, struct err *e);
/* One more certs.d/HOST, for a host of REGISTRY that is no endpoint (its token realm). After
 * lane_trust_make; nothing where nothing speaks TLS. */
int lane_trust_host(struct lane *lane, int registry, const char *host, struct err *e);
void lane_trust_free(struct lane *lane);

/* Absolute paths of ca-bundle.crt and certs.d, to be bound over the system's; NULL where nothing
 * speaks TLS. */
const char *lane_trust_bundle(const struct lane *lane);
const char *lane_trust_certs_d(const struct lane *lane);

/* Adds SSL_CERT_FILE and its like; nothing where nothing speaks TLS. */
int lane_trust_environment(const struct lane *lane, struct environment *env, struct err *e);
/* The same where the bundle lies over the system's own: that one is named, for it can be read by
 * other users, too, who cannot enter ${lane.dir}. */
int lane_trust_environment_covered(const struct lane *lane, struct environment *env, struct err *e);

#endif
