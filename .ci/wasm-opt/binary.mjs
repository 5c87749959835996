// What of WebAssembly's binary format is needed to take a component apart and to put it together
// again: https://webassembly.github.io/spec/core/binary, and Binary.md of
// https://github.com/WebAssembly/component-model.

export const MODULE_SECTION = { custom: 0, import: 2, export: 7 };
export const COMPONENT_SECTION = { custom: 0, coreModule: 1, coreInstance: 2, alias: 6 };

/** A component's header has another version than a module's, and a layer. */
export const isComponent = (bytes) => bytes.readUInt32LE(4) === 0x0001000d;

/** Reads what stands one behind the other. */
export class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.isAtEnd) throw new Error("The binary ends too early");
    return this.bytes[this.at++];
  }

  number() {
    for (let [number, weight] = [0, 1]; ; weight *= 0x80) {
      const byte = this.byte();
      number += (byte & 0x7f) * weight;
      if (byte < 0x80) return number;
    }
  }

  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  name() {
    return this.take(this.number()).toString();
  }

  vector(read) {
    return Array.from({ length: this.number() }, () => read(this));
  }

  /** The bytes that a function reads, as they are. */
  raw(read) {
    const begin = this.at;
    read(this);
    return this.bytes.subarray(begin, this.at);
  }

  sections() {
    const sections = [];
    this.at = 8;
    while (!this.isAtEnd) {
      const number = this.byte();
      sections.push({ number, contents: this.take(this.number()) });
    }
    return sections;
  }
}

export function number(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}

export function name(text) {
  const bytes = Buffer.from(text);
  return Buffer.concat([number(bytes.length), bytes]);
}

export const vector = (items) => Buffer.concat([number(items.length), ...items]);

/** A module or a component, with the header of the one that the sections were of. */
export function written(original, sections) {
  const parts = sections.map(({ number: section, contents }) => [
    Buffer.from([section]),
    number(contents.length),
    contents,
  ]);
  return Buffer.concat([original.subarray(0, 8), ...parts.flat()]);
}
