import { beforeEach, describe, expect, it } from "vitest";
import { ProblemError } from "../src/api";
import { allows } from "../src/session";
import { explainAttempt, readProblem } from "../src/signin/page";
import { forgetDrafts, keepDraft, takeDraft } from "../src/study/kept";

describe("roles", () => {
  it.each([
    ["reader", "submit", false],
    ["reader", "read", true],
    ["submitter", "read", false],
    ["submitter", "submit", true],
    ["submitter", "judge", false],
    ["admin", "submit", true],
    ["admin", "judge", true],
  ] as const)("%s may %s: %s", (role, right, is) => expect(allows([role], right)).toBe(is));

  it("of two count together, none allows nothing", () => {
    expect(allows(["reader", "submitter"], "submit")).toBe(true);
    expect(allows([], "retry")).toBe(false);
  });
});

describe("messages of the sign-in page", () => {
  it("name what the provider said, and nothing that an address makes up", () => {
    expect(readProblem("?sign_in=refused")).toBe("signin.refused");
    expect(readProblem("?sign_in=away")).toBe("signin.away");
    expect(readProblem("?sign_in=<b>")).toBeNull();
    expect(readProblem("")).toBeNull();
  });

  it("tell a wrong token from too many attempts and from no server", () => {
    const said = [401, 429, 0].map((status) => explainAttempt(new ProblemError(status, "x", "")));
    expect(new Set(said).size).toBe(3);
    expect(said[1]).toContain("Too many");
  });
});

describe("unsaved sentences", () => {
  const draft = [{ text: "Mine.", evidence: [], is_edited: true, section: "findings" as const }];
  beforeEach(forgetDrafts);

  it("come back once, to who wrote them, for the same revision", () => {
    keepDraft("s", "ada", 2, draft);
    expect(takeDraft("s", "ada", 2)).toEqual(draft);
    expect(takeDraft("s", "ada", 2)).toBeNull();
  });

  it("are no one else's and of no other reading", () => {
    keepDraft("s", "ada", 2, draft);
    expect(takeDraft("s", "eve", 2)).toBeNull();
    expect(takeDraft("s", "ada", 2)).toBeNull(); // gone for good
    keepDraft("s", "ada", 2, draft);
    expect(takeDraft("s", "ada", 3)).toBeNull();
  });
});
