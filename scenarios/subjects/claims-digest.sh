#!/bin/bash
# A bad subject. Its mistake: it pulls nothing and claims the right digest.
set -u
printf '{"digest": "%s", "registry": "primary"}\n' "${PULLDRILL_IMAGE_AGENT_DIGEST:?}" \
    >"${PULLDRILL_RESULT:?}"
