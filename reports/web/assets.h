/* The page's style and script, as the files beside say them, built into the program. */
#ifndef PULLDRILL_REPORTS_WEB_ASSETS_H
#define PULLDRILL_REPORTS_WEB_ASSETS_H

#include <stddef.h>

extern const char asset_css[], asset_css_end[]; /* picture.css, report.css */
extern const char asset_js[], asset_js_end[];   /* report.js, waterfall.js */

static inline size_t asset_css_len(void)
{
    return (size_t)(asset_css_end - asset_css);
}

static inline size_t asset_js_len(void)
{
    return (size_t)(asset_js_end - asset_js);
}

#endif
