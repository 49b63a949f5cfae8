const TABLE = new Int32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** CRC-32/ISO-HDLC of the first `length` characters, which are ASCII, in eight hex digits. */
export function crc32(text, length) {
  let sum = -1;
  for (let index = 0; index < length; index++) sum = TABLE[(sum ^ text.charCodeAt(index)) & 255] ^ (sum >>> 8);
  return (~sum >>> 0).toString(16).padStart(8, "0");
}
