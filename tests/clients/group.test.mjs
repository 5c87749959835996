// A group's reader that loses its connection, while another member of the group
// reads on.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { consume, produce } from "./support/calls.mjs";
import { openEventSource } from "./support/event_sources.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLink } from "./support/link.mjs";
import { Inbox, again } from "./support/waiting.mjs";

const [READ_ON, LOST] = ["read-on", "lost"];
const PARTITIONS = [0, 1, 2];

describe("a group's stream that is cut", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ topics: { [READ_ON]: 3, [LOST]: 3 } });
  });
  after(() => gateway?.stop());

  const write = async (topic, name) => {
    const messages = PARTITIONS.map((partition) => `${name} ${partition}`);
    for (const partition of PARTITIONS) {
      await produce(gateway.url, topic, messages[partition], partition);
    }
    return messages;
  };

  // Opens the stream through a connection that can be cut.
  const read = async (t, topic, more = "") => {
    const link = await startLink(gateway.port);
    const inbox = new Inbox();
    const onEvent = ({ type, data }) => inbox.put(type === "message" ? JSON.parse(data).message : data);
    const { source, close } = openEventSource(`${link.url}/consumer/${topic}?group=g${more}`, onEvent);
    t.after(async () => {
      close();
      await link.stop();
    });
    const opened = () => new Promise((resolve) => source.addEventListener("open", resolve, { once: true }));
    return { link, inbox, opened };
  };

  const claimed = async (topic) => {
    const answer = await fetch(`${gateway.url}/groups/g`);
    const { topics } = await answer.json();
    return topics.find((group) => group.topic === topic).partitions.map(({ claimed }) => claimed);
  };

  test("its client goes on with what nobody has had", async (t) => {
    const { link, inbox, opened } = await read(t, READ_ON);
    const first = await write(READ_ON, "first");
    await inbox.holds(...first);

    // The other member must have its turn before the client connects again.
    link.refuse();
    const second = await write(READ_ON, "second");
    const byMember = [];
    const take = async () => {
      const record = await consume(gateway.url, READ_ON, "g");
      if (record) byMember.push(record.message);
      return byMember;
    };
    const hasSecond = (messages) => second.every((message) => messages.includes(message));
    await again("all of the second", take, hasSecond, 25);
    assert.deepEqual(byMember.toSorted(), second);

    link.allow();
    await opened();
    assert.match(link.sent(), /^last-event-id: \S+\r$/im, "the client told where it was");
    // A partition is read in order, so that whatever comes again comes before the third.
    const third = await write(READ_ON, "third");
    await inbox.holds(...third);
    assert.deepEqual(inbox.items.toSorted(), [...first, ...third].toSorted());
  });

  test("with ack=manual its client gets what was lost on the way", async (t) => {
    const { link, inbox, opened } = await read(t, LOST, "&ack=manual&lease=3");
    const first = await write(LOST, "first");
    await inbox.holds(...first);
    link.lose();
    const second = await write(LOST, "second");
    await again("all claimed", () => claimed(LOST), (counts) => counts.every((count) => count === 2));
    assert.deepEqual(inbox.items.toSorted(), first);
    link.cut();
    await opened();
    await inbox.holds(...second);
  });
});
