#include "base/notice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"

/* So much of room is what poll says of a pipe, and so much goes into it in one piece. */
#if defined(PIPE_BUF) && PIPE_BUF < 4096
enum { LINE_SIZE = PIPE_BUF };
#else
enum { LINE_SIZE = 4096 };
#endif

static const char CUT[] = "...";

/* Written when the library is loaded. */
static bool was_open;

__attribute__((constructor)) static void look_at_stderr(void) {
  was_open = fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

/* Whether descriptor 2 still is what programs mean by stderr. A daemon that closed it may have got its number for a
 * socket of a library's: those are closed on exec, which stderr never is. */
static bool is_there(void) {
  return was_open && fcntl(STDERR_FILENO, F_GETFD) == 0;
}

static bool takes_a_line(void) {
  struct pollfd asked = {STDERR_FILENO, POLLOUT, 0};
  return poll(&asked, 1, 0) == 1 && (asked.revents & POLLOUT) != 0;
}

/* How much of the text there is room for, up to the end of a character of UTF-8. */
static size_t fit(const char *text, size_t size) {
  size_t end = LINE_SIZE - sizeof CUT; /* it and the newline */
  if (size < LINE_SIZE) return size;
  while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
    end--;
  return end;
}

void pe_notice_write(const char *text, size_t size) {
  char line[LINE_SIZE];
  size_t length = fit(text, size);
  int before = errno;
  pe_sigpipe sigpipe;

  memcpy(line, text, length);
  if (length < size) {
    memcpy(line + length, CUT, sizeof CUT - 1);
    length += sizeof CUT - 1;
  }
  line[length++] = '\n';
  pe_sigpipe_block(&sigpipe);
  if (is_there() && takes_a_line())
    (void)!write(STDERR_FILENO, line, length); /* a full disk: there is nobody to tell */
  pe_sigpipe_restore(&sigpipe);
  errno = before;
}
