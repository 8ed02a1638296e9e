-- What is told by bytes: formats that are no text, or text in another encoding.

-- Formats that begin with bytes of their own, and the command that makes text of them.
local MAGIC = {
  { "\31\139", "compressed (gzip)", "gzip -dc" }, { "PK\3\4", "a zip archive", "unzip -p" },
  { "BZh%d", "compressed (bzip2)", "bzip2 -dc" }, { "\2537zXZ", "compressed (xz)", "xz -dc" },
  { "%(\181/\253", "compressed (Zstandard)", "zstd -dc" }, { "\4\34M\24", "compressed (LZ4)", "lz4 -dc" },
  { "SQLite format 3%z", "a database of SQLite" }, { "%%PDF%-", "a PDF" }, { "PAR1", "Parquet" },
  { "\255\254%z%z", "UTF-32", "iconv -f UTF-32 -t UTF-8" }, { "%z%z\254\255", "UTF-32", "iconv -f UTF-32 -t UTF-8" },
  { "[^%z]%z%z%z", "UTF-32", "iconv -f UTF-32LE -t UTF-8" }, { "%z%z%z[^%z]", "UTF-32", "iconv -f UTF-32BE -t UTF-8" },
  { "\255\254", "UTF-16", "iconv -f UTF-16 -t UTF-8" }, { "\254\255", "UTF-16", "iconv -f UTF-16 -t UTF-8" },
  { "[^%z]%z[^%z]%z", "UTF-16", "iconv -f UTF-16LE -t UTF-8" },
  { "%z[^%z]%z[^%z]", "UTF-16", "iconv -f UTF-16BE -t UTF-8" },
  { "HTTP/%d", "an HTTP response with its headers", "sed '1,/^[[:space:]]*$/d'" },
  { "\30", "a JSON text sequence (RFC 7464)", "tr -d '\\036'" },
}

-- The kind of a text that is packed, encoded or binary; nil: it is text.
return function(text)
  for _, format in ipairs(MAGIC) do
    if text:find("^" .. format[1]) then
      return { name = format[2], command = format[3], is_packed = true }
    end
  end
  if text:find("^[^\n]*[%z\1-\8\14-\31]") and not text:find("^%s*[{%[]") then
    return { name = "no text" }
  end
end
