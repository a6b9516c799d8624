/* What a lane's commands are given to log in with: files in every form that clients read, and
 * variables. */
#ifndef PULLDRILL_LANE_CREDENTIALS_H
#define PULLDRILL_LANE_CREDENTIALS_H

#include "harness/environment.h"
#include "harness/lane.h"

/* Called by lane_new, once the reach's `open` has filled in LANE's endpoints. Writes the folder
 * ${lane.dir}/credentials: `docker/config.json` (a DOCKER_CONFIG folder) and `auth.json` with every
 * registry that asks for a credential, and `NAME.json` with registry NAME alone, whose path becomes
 * lane->auth_file[i]. A registry is in them under its endpoint and under each name it plays.
 * Nothing is written for the harness's own lane, and where no registry asks. */
int lane_credentials_make(struct lane *lane, struct err *e);

/* PULLDRILL_REGISTRY_NAME_USER and _PASSWORD, and DOCKER_CONFIG and REGISTRY_AUTH_FILE. Called by
 * lane_environment, before the reach's own `environment` and the subject's `env`. */
int lane_credentials_environment(const struct lane *lane, struct environment *env, struct err *e);

#endif
