// The languages, what each page needs beside the checkout, and what its example can do.

import { execFileSync } from "node:child_process";

export const LANGUAGES = [
  { name: "python", needs: ["python3"], follows: "for ever" },
  { name: "javascript", needs: ["npm"], follows: "for ever" },
  { name: "go", needs: ["go", "python3", "npm"], follows: "not" },
  { name: "c", needs: ["python3"], follows: "a number" },
];

export const missing = ({ needs }) => needs.filter((tool) => !isThere(tool));

function isThere(tool) {
  try {
    execFileSync("bash", ["-c", 'command -v "$1"', "bash", tool], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
