// spin:variables/variables@3.0.0: from the environment, by the names that Spin gives them.

import defaults from "../component/variables.js";

export async function get(name) {
  if (!Object.hasOwn(defaults, name)) throw { tag: "undefined", val: name };
  return process.env[`SPIN_VARIABLE_${name.toUpperCase()}`] ?? defaults[name];
}
