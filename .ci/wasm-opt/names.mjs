// The names by which a component hands its core module what that imports, and takes from it what
// it exports. Nobody outside sees them: what a host and other components see are the names of the
// component's own imports and exports. They are as long as
// "[callback][async-lift]kafka-edge:api/subscriptions@0.2.0#rotate", each of them is there twice,
// and numbers do as well.

import { COMPONENT_SECTION, MODULE_SECTION, Reader, name, number, vector, written } from "./binary.mjs";

const [INSTANTIATE, INLINE_EXPORTS] = [0, 1];
const [SORT_CORE, TARGET_EXPORT, TARGET_CORE_EXPORT, TARGET_OUTER] = [0, 0, 1, 2];
const [FUNCTION, TABLE, MEMORY, GLOBAL] = [0, 1, 2, 3];

/** A name for each key, the same for the same key. */
class Numbered {
  #names = new Map();

  of(key) {
    if (!this.#names.has(key)) this.#names.set(key, this.#names.size.toString(36));
    return this.#names.get(key);
  }
}

function coreInstance(reader) {
  switch (reader.byte()) {
    case INSTANTIATE: {
      const module = reader.number();
      const given = reader.vector(() => {
        const argument = reader.name();
        reader.byte(); // It is an instance.
        return { argument, instance: reader.number() };
      });
      return { module, given };
    }
    case INLINE_EXPORTS:
      return {
        exports: reader.vector(() => {
          const exported = reader.name();
          return { exported, what: reader.raw(() => [reader.byte(), reader.number()]) };
        }),
      };
    default:
      throw new Error("An instance of an unknown kind");
  }
}

function writtenInstance({ module, given, exports }) {
  if (exports) {
    const items = exports.map(({ exported, what }) => Buffer.concat([name(exported), what]));
    return Buffer.concat([Buffer.from([INLINE_EXPORTS]), vector(items)]);
  }
  const items = given.map(({ argument, instance }) =>
    Buffer.concat([name(argument), Buffer.from([0x12]), number(instance)]),
  );
  return Buffer.concat([Buffer.from([INSTANTIATE]), number(module), vector(items)]);
}

function alias(reader) {
  const sort = reader.raw(() => reader.byte() === SORT_CORE && reader.byte());
  const target = reader.byte();
  switch (target) {
    case TARGET_EXPORT:
    case TARGET_CORE_EXPORT:
      return { sort, target, instance: reader.number(), exported: reader.name() };
    case TARGET_OUTER:
      return { sort, target, outer: reader.raw(() => [reader.number(), reader.number()]) };
    default:
      throw new Error("An alias of an unknown kind");
  }
}

function writtenAlias({ sort, target, instance, exported, outer }) {
  const rest = outer ?? Buffer.concat([number(instance), name(exported)]);
  return Buffer.concat([sort, Buffer.from([target]), rest]);
}

function limits(reader) {
  const flags = reader.byte();
  reader.number();
  if (flags & 1) reader.number();
}

function imported(reader) {
  const [from, field] = [reader.name(), reader.name()];
  const what = reader.raw(() => {
    switch (reader.byte()) {
      case FUNCTION:
        return reader.number();
      case TABLE:
        return [reader.byte(), limits(reader)];
      case MEMORY:
        return limits(reader);
      case GLOBAL:
        return [reader.byte(), reader.byte()];
      default:
        throw new Error("An import of an unknown kind");
    }
  });
  return { from, field, what };
}

function exported(reader) {
  return { exported: reader.name(), what: reader.raw(() => [reader.byte(), reader.number()]) };
}

const items = ({ contents }, read) => new Reader(contents).vector(read);

/** A component whose module number `own` has short names for all imports and exports. */
export function withShortNames(component, own) {
  const sections = new Reader(component).sections();
  const of = (number) => sections.filter((section) => section.number === number);
  const instances = of(COMPONENT_SECTION.coreInstance).map((section) => items(section, coreInstance));
  const all = instances.flat();
  const ownInstance = all.findIndex(({ module }) => module === own);
  const { given } = all[ownInstance];
  const others = all.filter((instance) => instance.given && instance.given !== given);
  const isGivenToOthers = (number) => others.some(({ given }) => given.some(({ instance }) => instance === number));
  // Another module would ask for the old names.
  if (isGivenToOthers(ownInstance)) throw new Error("The module is handed to another one as it is");

  const [names, modules] = [new Numbered(), new Numbered()];
  // What others are handed, too, keeps its names, and so does what another module exports.
  const renamed = new Set(
    given.filter(({ instance }) => all[instance].exports && !isGivenToOthers(instance)).map(({ argument }) => argument),
  );
  for (const { argument, instance } of given.filter(({ argument }) => renamed.has(argument))) {
    for (const one of all[instance].exports) one.exported = names.of(`${argument} ${one.exported}`);
  }
  for (const one of given) one.argument = modules.of(one.argument);
  of(COMPONENT_SECTION.coreInstance).forEach((section, index) => {
    section.contents = vector(instances[index].map(writtenInstance));
  });

  const exports = new Numbered();
  for (const section of of(COMPONENT_SECTION.alias)) {
    const aliases = items(section, alias);
    for (const one of aliases) {
      const isOurs = one.target === TARGET_CORE_EXPORT && one.instance === ownInstance;
      if (isOurs) one.exported = exports.of(one.exported);
    }
    section.contents = vector(aliases.map(writtenAlias));
  }

  const module = of(COMPONENT_SECTION.coreModule)[own];
  const parts = new Reader(module.contents).sections();
  for (const part of parts) {
    if (part.number === MODULE_SECTION.import) {
      const short = items(part, imported).map(({ from, field, what }) =>
        Buffer.concat([
          name(modules.of(from)),
          name(renamed.has(from) ? names.of(`${from} ${field}`) : field),
          what,
        ]),
      );
      part.contents = vector(short);
    }
    if (part.number === MODULE_SECTION.export) {
      const short = items(part, exported).map(({ exported, what }) =>
        Buffer.concat([name(exports.of(exported)), what]),
      );
      part.contents = vector(short);
    }
  }
  module.contents = written(module.contents, parts);
  return written(component, sections);
}
