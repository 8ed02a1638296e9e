#include "http/http_tls.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_curl.h"

enum { CEILING = 4 << 20 }; /* of all files of a kind; Debian's authorities take 220 KB, libcurl 8 MB at most */

/* What a line says that begins a thing of that kind (RFC 7468): also "RSA PRIVATE KEY", "TRUSTED CERTIFICATE". */
static const char CERTIFICATE[] = "CERTIFICATE-----", KEY[] = "PRIVATE KEY-----";

static const char NO_CA_FILE[] = "tls.ca_file: no certificate in PEM (-----BEGIN CERTIFICATE-----)";
static const char NO_CA_PATH[] = "tls.ca_path: no certificate in PEM (-----BEGIN CERTIFICATE-----)";
static const char NO_CERTIFICATE[] = "tls.cert_file: no certificate in PEM (-----BEGIN CERTIFICATE-----)";
static const char NO_KEY[] = "tls.key_file: no key in PEM (-----BEGIN PRIVATE KEY-----)";

/* ---- reading ---- */

static pe_error append_file(pe_buffer *to, FILE *file, const char **why) {
  char block[4096];
  pe_error error = PE_OK;
  size_t size;

  while (error == PE_OK && (size = fread(block, 1, sizeof block, file)) > 0)
    error = pe_buffer_append(to, block, size);
  if (error == PE_OK) error = PE_BUFFER_LITERAL(to, "\n"); /* the next one begins on a line of its own */
  memset(block, 0, sizeof block);
  if (error == PE_TOO_LARGE || ferror(file)) {
    *why = "tls: a file cannot be read, or has more than 4 MB";
    error = PE_TLS;
  }
  return error;
}

static pe_error read_file(pe_buffer *to, const char *path, const char **why) {
  FILE *file = fopen(path, "rbe");
  pe_error error = PE_TLS;

  *why = "tls: a file of certificates, or of a key, cannot be read";
  if (!file) return error;
  error = append_file(to, file, why);
  (void)fclose(file);
  return error;
}

static bool has_text(const pe_buffer *buffer, const char *text) {
  size_t size = strlen(text);
  for (size_t i = 0; i + size <= buffer->size; i++)
    if (memcmp(buffer->data + i, text, size) == 0) return true;
  return false;
}

static pe_error check_pem(const pe_buffer *bytes, const char *kind, const char *otherwise, const char **why) {
  if (has_text(bytes, kind)) return PE_OK;
  *why = otherwise;
  return PE_TLS;
}

/* As `openssl rehash` names what OpenSSL then looks for: eight hexadecimal digits, a dot, digits. */
static bool is_hashed(const char *name) {
  size_t count = strspn(name, "0123456789abcdef");
  const char *digits = name + 9;
  return count == 8 && name[8] == '.' && *digits != '\0' && strspn(digits, "0123456789") == strlen(digits);
}

static pe_error read_entry(pe_buffer *to, const char *directory, const char *name, const char **why) {
  char path[PATH_MAX];
  int size = snprintf(path, sizeof path, "%s/%s", directory, name);
  if (size < 0 || (size_t)size >= sizeof path) return PE_OK;
  return read_file(to, path, why);
}

static pe_error read_directory(pe_buffer *to, const char *path, const char **why) {
  DIR *directory = opendir(path);
  pe_error error = PE_OK;
  struct dirent *entry;

  *why = "tls.ca_path: the directory cannot be read";
  if (!directory) return PE_TLS;
  while (error == PE_OK && (entry = readdir(directory)))
    if (is_hashed(entry->d_name)) error = read_entry(to, path, entry->d_name, why);
  (void)closedir(directory);
  return error;
}

static pe_error read_pem(pe_buffer *to, const char *path, const char *kind, const char *otherwise, const char **why) {
  pe_error error = path ? read_file(to, path, why) : PE_OK;
  return error == PE_OK && path ? check_pem(to, kind, otherwise, why) : error;
}

static pe_error read_authorities(pe_buffer *to, const pe_http_tls_files *files, const char **why) {
  pe_error error = read_pem(to, files->ca_file, CERTIFICATE, NO_CA_FILE, why);
  if (error != PE_OK || !files->ca_path) return error;
  error = read_directory(to, files->ca_path, why);
  return error == PE_OK ? check_pem(to, CERTIFICATE, NO_CA_PATH, why) : error;
}

/* ---- TLS libraries that take paths alone: GnuTLS ---- */

static bool takes_bytes(void) {
  static const char *const names[] = {"OpenSSL", "LibreSSL", "BoringSSL", "AWS-LC", "quictls"};
  const char *version = curl_version_info(CURLVERSION_NOW)->ssl_version;
  for (size_t i = 0; version && i < sizeof names / sizeof names[0]; i++)
    if (strstr(version, names[i])) return true;
  return false;
}

/* The bytes were read to see that they can be. */
static pe_error keep_path(const char *path, char **kept) {
  if (!path) return PE_OK;
  *kept = realpath(path, NULL);
  return *kept ? PE_OK : PE_NO_MEMORY;
}

static void forget(pe_buffer *bytes) {
  if (bytes->data) memset(bytes->data, 0, bytes->capacity);
  __asm__ volatile("" ::"r"(bytes->data) : "memory"); /* else the compiler leaves the line above out */
  pe_buffer_cleanup(bytes);
}

static pe_error keep_paths(pe_http_tls *tls, const pe_http_tls_files *files) {
  pe_error error = keep_path(files->ca_file, &tls->authorities.path);
  if (error == PE_OK) error = keep_path(files->ca_path, &tls->authorities_path);
  if (error == PE_OK) error = keep_path(files->cert_file, &tls->certificate.path);
  if (error == PE_OK) error = keep_path(files->key_file, &tls->key.path);
  forget(&tls->authorities.bytes);
  forget(&tls->certificate.bytes);
  forget(&tls->key.bytes);
  return error;
}

/* ---- the whole ---- */

/* A program with an older OpenSSL inside (some builds of nginx) gives libcurl that one, and each handshake would fail.
 * OpenSSL before 3.0 has no name for the version that libcurl asks for then, and says this (OpenSSL_version(3)). */
const char *pe_http_tls_missing(void) {
  const char *version = curl_version_info(CURLVERSION_NOW)->ssl_version;
  if (!version) return "this libcurl was built without TLS";
  if (!strstr(version, "not available")) return NULL;
  return "libcurl finds another OpenSSL in this program than it was built with, and cannot use TLS: "
         "build postevent with libcurl's GnuTLS flavour (make install CURL=gnutls)";
}

/* As PEM says it, in its first line or in one of its headers (RFC 7468, 11; RFC 1421, 4.6.1.1). */
static bool is_encrypted(const pe_buffer *pem) {
  static const char word[] = "ENCRYPTED";
  size_t size = sizeof word - 1;
  for (size_t i = 0; i + size <= pem->size; i++)
    if (memcmp(pem->data + i, word, size) == 0) return true;
  return false;
}

pe_error pe_http_tls_read_bytes(pe_http_tls *tls, const pe_http_tls_files *files, const char **why) {
  pe_error error;

  pe_buffer_init(&tls->authorities.bytes, CEILING);
  pe_buffer_init(&tls->certificate.bytes, CEILING);
  pe_buffer_init(&tls->key.bytes, CEILING);
  error = read_authorities(&tls->authorities.bytes, files, why);
  if (error == PE_OK) error = read_pem(&tls->certificate.bytes, files->cert_file, CERTIFICATE, NO_CERTIFICATE, why);
  if (error == PE_OK) error = read_pem(&tls->key.bytes, files->key_file, KEY, NO_KEY, why);
  tls->key_is_encrypted = is_encrypted(&tls->key.bytes) || is_encrypted(&tls->certificate.bytes);
  return error;
}

pe_error pe_http_tls_read(pe_http_tls *tls, const pe_http_tls_files *files, const char **why) {
  pe_error error = pe_http_tls_read_bytes(tls, files, why);
  if (error == PE_OK && !takes_bytes()) error = keep_paths(tls, files);
  return error;
}

void pe_http_tls_cleanup(pe_http_tls *tls) {
  forget(&tls->authorities.bytes);
  forget(&tls->certificate.bytes); /* it may hold the key as well */
  forget(&tls->key.bytes);
  free(tls->authorities.path);
  free(tls->certificate.path);
  free(tls->key.path);
  free(tls->authorities_path);
}
