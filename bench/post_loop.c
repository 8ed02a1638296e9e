/* What posting costs without postevent: a loop on libcurl's easy interface that posts the same body over one connection
 * and reads the reply with jansson. Prints the CPU seconds of the calling thread.
 *
 *   post_loop URL COUNT BODY */
#include <curl/curl.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct reply {
  char bytes[65536];
  size_t size;
} reply;

static size_t on_body(char *bytes, size_t size, size_t count, void *user) {
  reply *to = user;
  if (size * count > sizeof to->bytes - to->size) return 0;
  memcpy(to->bytes + to->size, bytes, size * count);
  to->size += size * count;
  return size * count;
}

static int read_code(const reply *from) {
  json_t *document = json_loadb(from->bytes, from->size, 0, NULL);
  int code = (int)json_integer_value(json_object_get(json_object_get(document, "status"), "code"));
  json_decref(document);
  return code;
}

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  struct curl_slist *headers = NULL;
  static reply to;
  CURL *easy;
  double start;

  if (argc != 4) return 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  easy = curl_easy_init();
  headers = curl_slist_append(headers, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Expect:");
  headers = curl_slist_append(headers, "Authorization: Basic dGVzdF9kaXY2OWZmZmRkYg==");
  curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, argv[3]);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &to);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  start = cpu_seconds();
  for (int left = atoi(argv[2]); left > 0; left--) {
    to.size = 0;
    if (curl_easy_perform(easy) != CURLE_OK || read_code(&to) != 1100) return 1;
  }
  printf("%.6f\n", cpu_seconds() - start);
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
  return 0;
}
