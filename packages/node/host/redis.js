// spin:redis/redis@3.0.0: there is none here, because the store is the file.

export class Connection {
  static async open() {
    throw { tag: "other", val: "the npm package keeps its state in a file, and in no Redis" };
  }
}
