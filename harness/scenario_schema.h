/* The JSON Schema of a scenario and its reference, from the tables that the parser reads. Pure. */
#ifndef PULLDRILL_SCENARIO_SCHEMA_H
#define PULLDRILL_SCENARIO_SCHEMA_H

#include <jansson.h>

/* Draft 07, which editors and validators both know whole. A new object; NULL where memory ran out.
 */
json_t *scenario_schema(void);

/* The levels in the order of the file: an array of objects with `level`, `meaning`, `later`,
 * `keys` (each `key`, `form`, `required`, `default`, `meaning`, `example`; defaults and examples as
 * they are written, a default in words without quotes). NULL where memory ran out. */
json_t *scenario_reference(void);

#endif
