/* The picture: attempted pulls per registry over time, stacked, with phases and faults as bands.
 *
 * One <svg class="pic"> without script, style or ids: put it anywhere, as often as you like. It
 * scales by its viewBox (PICTURE_WIDTH units wide, letters of 13.5 and 12.5 units): give it
 * `min-width: 680px` in a box that scrolls, so that it can be read on a narrow screen, and about
 * `max-width: 1200px`. All colours are those of the classes:
 *
 *   pic                 the whole
 *   pic-r0 … pic-r15    a registry's colour: 0 is the primary, the others follow in the plan's
 *                       order; sets `--pic-c`, from which the next three take theirs
 *   pic-bar             attempts that brought something whole (stroke)
 *   pic-failed          attempts that did not: the pale ground (stroke)
 *   pic-stripe          the stripes over it (stroke; dashes and width are attributes)
 *   pic-phase           a phase's band; pic-odd on every other one
 *   pic-settling, pic-control   the bands after the last phase; the attempts of control starts are
 *                       left out, so that nobody takes them for a recovery
 *   pic-fault           a fault's bar; pic-fault-armed where it leaves no request behind
 *   pic-fault-shade     the same stretch behind the bars
 *   pic-grid, pic-axis, pic-edge   lines: of the y ticks, the base, between stretches
 *   pic-text, pic-muted, pic-strong, pic-bad, pic-fault-text, pic-fault-name   letters (fill)
 *   pic-worked, pic-fail, pic-hung, pic-wrong, pic-stopped   marks of starts
 *   pic-control-mark    the control start that did not work, as it must
 *   pic-hit             a transparent column with a tooltip; it may show itself on :hover
 *
 * reports/web/picture.css has them all, for light, dark and paper. */
#ifndef PULLDRILL_REPORTS_WEB_PICTURE_H
#define PULLDRILL_REPORTS_WEB_PICTURE_H

#include "harness/base/buf.h"
#include "harness/verdict/trace.h"
#include "harness/verdict/verdict.h"

#define PICTURE_WIDTH 960

/* V adds what the faults do, in words; it may be NULL. Below 150 kB with names as a scenario may
 * have them, whatever the trace; names of nothing but markup add a few more. */
void picture_svg(const struct trace *t, const struct verdict *v, struct buf *out);

#endif
