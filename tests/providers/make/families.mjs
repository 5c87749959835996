import address from "./families/address.mjs";
import body from "./families/body.mjs";
import fields from "./families/fields.mjs";
import jwt from "./families/jwt.mjs";
import keys from "./families/keys.mjs";
import more from "./families/more.mjs";
import standard from "./families/standard.mjs";
import timed from "./families/timed.mjs";

export default [...standard, ...body, ...timed, ...address, ...fields, ...keys, ...jwt, ...more];
