/* What a history remembers of the program and the machine that made it. */
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <uv.h>

#include "harness/plan_internal.h"
#include "harness/version.h"

json_t *plan_versions(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "pulldrill", PULLDRILL_VERSION, "libuv",
                     uv_version_string(), "libcurl", curl_version_info(CURLVERSION_NOW)->version,
                     "jansson", jansson_version_str(), "openssl",
                     OpenSSL_version(OPENSSL_VERSION_STRING));
}

json_t *plan_host(void)
{
    struct utsname name;
    if (uname(&name) != 0)
        return json_object();
    return json_pack("{s:s, s:s, s:s, s:I}", "system", name.sysname, "release", name.release,
                     "machine", name.machine, "processors",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN));
}
