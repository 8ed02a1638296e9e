/* A look at the JSON text of an event that spares most of them a slower one: whether it is plain, so that a lenient
 * reader keeps all that was written. Knows no more of JSON's grammar than it needs: the reader does. Pure; any thread.
 */
#ifndef PE_JSON_PLAIN_H
#define PE_JSON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text is an object in which, if it is JSON at all, no name is there twice, no text has a control character
 * unescaped, no number has more than 15 characters or an exponent, and no array is empty. False: not, or it is not
 * known: many names, a name with an escape in it, deep nesting. *has_numbers: whether there is any number. */
bool pe_json_is_plain(const char *text, size_t size, bool *has_numbers);

#endif
