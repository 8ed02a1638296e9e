/* A reply's body in pieces, each made when the peer has taken those before: a reader that is slow, or that asks for
 * everything, costs the memory of a piece. Part of sandbox_httpd.c, which is the only one to include it. */
#ifndef PE_SANDBOX_STREAM_H
#define PE_SANDBOX_STREAM_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lua/lua_compat.h"

enum { BLOCK_BYTES = 16 * 1024 };

/* What libmicrohttpd's response owns; stream_free ends it. */
typedef struct sandbox_stream {
  lua_State *L;
  int pull;      /* where stream_pull stands on the stack of L */
  int source;    /* a reference in the registry: { the function, the piece in hand } */
  size_t offset; /* what of the piece was taken */
  bool ended;    /* the function is not to be called again */
  char *out;     /* while stream_pull runs: where the bytes go, how many fit, how many there are */
  size_t room, size;
} sandbox_stream;

/* Copies from the piece on top of the stack. Returns whether it is used up. */
static bool stream_copy(lua_State *L, sandbox_stream *stream) {
  size_t size, taken;
  const char *piece = luaL_checklstring(L, -1, &size);

  taken = size - stream->offset;
  if (taken > stream->room - stream->size) taken = stream->room - stream->size;
  memcpy(stream->out + stream->size, piece + stream->offset, taken);
  stream->size += taken;
  stream->offset += taken;
  return stream->offset == size;
}

/* (stream): fills what there is room for. Runs under lua_pcall. */
static int stream_pull(lua_State *L) {
  sandbox_stream *stream = lua_touserdata(L, 1);

  lua_rawgeti(L, LUA_REGISTRYINDEX, stream->source);
  while (stream->size < stream->room) {
    lua_rawgeti(L, 2, 2);
    if (lua_isnil(L, -1)) {
      lua_rawgeti(L, 2, 1);
      lua_call(L, 0, 1);
      stream->offset = 0;
    }
    if (lua_isnil(L, -1)) {
      stream->ended = true;
      return 0;
    }
    if (stream_copy(L, stream)) {
      lua_pushnil(L);
      lua_replace(L, -2);
    }
    lua_rawseti(L, 2, 2);
    lua_settop(L, 2);
  }
  return 0;
}

static ssize_t stream_read(void *data, uint64_t position, char *out, size_t room) {
  sandbox_stream *stream = data;
  lua_State *L = stream->L;

  (void)position;
  if (stream->ended) return MHD_CONTENT_READER_END_OF_STREAM;
  stream->out = out;
  stream->room = room;
  stream->size = 0;
  lua_pushvalue(L, stream->pull);
  lua_pushlightuserdata(L, stream);
  if (lua_pcall(L, 1, 0, 0) != 0) {
    lua_pop(L, 1);
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
  return stream->size > 0 ? (ssize_t)stream->size : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_free(void *data) {
  sandbox_stream *stream = data;
  luaL_unref(stream->L, LUA_REGISTRYINDEX, stream->source);
  free(stream);
}

/* A response of what the function at `index` returns; NULL when memory is out. `main` is the state on whose stack
 * stream_pull stands, at `pull`, as long as the response lives. May raise. */
static struct MHD_Response *stream_response(lua_State *L, lua_State *main, int index, int pull) {
  struct MHD_Response *response = NULL;
  sandbox_stream *stream;
  int source;

  lua_createtable(L, 2, 0);
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, 1);
  source = luaL_ref(L, LUA_REGISTRYINDEX);
  stream = calloc(1, sizeof *stream);
  if (stream) {
    *stream = (sandbox_stream){.L = main, .pull = pull, .source = source};
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, stream_read, stream, stream_free);
  }
  if (response) return response;
  luaL_unref(L, LUA_REGISTRYINDEX, source);
  free(stream);
  return NULL;
}

#endif
