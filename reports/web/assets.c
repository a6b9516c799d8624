/* The page's style and script: the assembler takes the files as they are, one behind the other
 * (paths from the root, in which everything is compiled; the Makefile knows that this object
 * depends on them). */
#include "reports/web/assets.h"

#define TWO_FILES(name, first, second)                                                             \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #name "\n"                                                                  \
            ".global " #name "_end\n" #name ":\n"                                                  \
            ".incbin \"reports/web/" first "\"\n"                                                  \
            ".incbin \"reports/web/" second "\"\n" #name "_end:\n"                                 \
            ".byte 0\n"                                                                            \
            ".popsection\n")

TWO_FILES(asset_css, "picture.css", "report.css");
TWO_FILES(asset_js, "report.js", "waterfall.js");
