/* What client:post returns. An event that was sent is told of, whatever memory there is by then: what says so is put
 * aside before. The owner's thread. */
#ifndef PE_LUA_ANSWER_H
#define PE_LUA_ANSWER_H

#include "delivery/client.h"
#include "lua/lua_compat.h"

/* Pushes what is returned where memory does not do for the outcome; called before anything is sent, so that no event is
 * taken and the caller told of nothing but a memory error. Returns where it lies: pe_lua_answer_push wants that. Raises
 * where memory is out, and nothing was sent. */
int pe_lua_answer_reserve(lua_State *L);

/* Pushes what became of a post: the reply; or nil, message, code, detail. Where memory is out, what lies at `reserve`,
 * completed, and what is above that is gone. `id`: the index of the event's id, text or nil. Returns how many values
 * are on top. Raises nothing but what is not of our making, such as the error of lua's own handler of Ctrl-C. */
int pe_lua_answer_push(lua_State *L, int reserve, const pe_post_result *result, int id);

#endif
