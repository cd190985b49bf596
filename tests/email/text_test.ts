import assert from "node:assert/strict";
import { isAddress, matchesAddress } from "../../plugins/email/address.ts";
import { htmlToText } from "../../plugins/email/html.ts";
import { splitQuotedTail } from "../../plugins/email/quote.ts";
import { toBareSubject } from "../../plugins/email/thread.ts";
import { assertGrowsEvenly } from "../fixtures/growth.ts";

Deno.test("a quotation at the end is left out, in the ways of common mail programs", () => {
  const quoted = "> one\n> two\n>> three";
  const mails: readonly [string, string][] = [
    [`Yes.\n\nOn Mon, 2 Nov 2026 at 10:00, Ana <ana@a.test> wrote:\n${quoted}`, "Yes."],
    [`Yes.\n\nOn Mon, 2 Nov 2026 at 10:00, Ana from the long company\n<ana@a.test> wrote:\n\n${quoted}\n`, "Yes."],
    [`Ja.\n\nAm 2.11.2026 schrieb Ana:\n${quoted}`, "Ja."],
    [`Sí.\n\nEl lun, 2 nov 2026, Ana escribió:\n${quoted}`, "Sí."],
    [`Yes.\n${quoted}`, "Yes."],
    ["Yes.\n\n-----Original Message-----\nFrom: Ana\nold", "Yes."],
    ["Yes.\n________________________________\nFrom: Ana\nSent: Monday\nold", "Yes."],
    ["> Shall I?\nYes.\n> When?\nNow.", "> Shall I?\nYes.\n> When?\nNow."],
    [quoted, quoted],
    ["Begin:\nno quotation", "Begin:\nno quotation"],
    ["", ""],
  ];
  for (const [mail, expected] of mails) assert.equal(splitQuotedTail(mail).text, expected);
});

Deno.test("HTML becomes the words that a reader sees", () => {
  const pages: readonly [string, string][] = [
    ["<p>One</p><p>two<br>three</p>", "One\n\ntwo\nthree"],
    ["<style>p{}</style><script>alert(1)</script><!-- no -->a &amp; b&nbsp;&#8364;&#x41;&bogus;", "a & b €A&bogus;"],
    [
      '<a href="https://a.test/x?b=1&amp;c">here</a> <a href="javascript:x()">there</a>',
      "here (https://a.test/x?b=1&c) there",
    ],
    ['<a href="https://a.test">https://a.test</a>', "https://a.test"],
    ["<ul><li>one<li>two</ul>", "- one\n- two"],
    ["<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\n\nc"],
    ["1 < 2 and <", "1"],
    ["<script>never closed", ""],
    ["&#xFFFFFF;&#0;&#xD800;", "\ufffd\ufffd\ufffd"],
  ];
  for (const [html, text] of pages) assert.equal(htmlToText(html), text);
});

Deno.test("HTML made to take long takes no longer than other HTML of its length", () => {
  for (const piece of ["<", "<!--", "<script>", "<a href=", "&#x", "<div ", "</script", " "]) {
    assertGrowsEvenly((size) => void htmlToText(piece.repeat(size)), 12_500);
  }
});

Deno.test("only one plain address is one", () => {
  for (const good of ["a@b.test", "o'neil+x@mail.b-c.test", "jürgen@müller.test"]) assert.ok(isAddress(good), good);
  for (
    const bad of [
      "a",
      "a@b@c",
      "a@b\r\nBcc: x@y",
      "a b@c.test",
      "<a@b.test>",
      "a@b.test,c@d.test",
      "@b.test",
      "a@",
      '"a"@b.test',
    ]
  ) {
    assert.ok(!isAddress(bad), bad);
  }
});

Deno.test("patterns of senders match whole addresses", () => {
  assert.ok(matchesAddress(["*@a.test"], "x@a.test"));
  assert.ok(!matchesAddress(["*@a.test"], "x@a.test.evil"));
  assert.ok(matchesAddress(["x*y@*.test"], "x1y@b.test"));
  assert.ok(!matchesAddress(["ab*ba@c"], "aba@c"));
  assert.ok(matchesAddress(["x@a.test"], "x@a.test"));
});

Deno.test("marks of answers are no part of a subject", () => {
  assert.equal(toBareSubject("Re: AW: RE[2]: the matter"), "the matter");
  assert.equal(toBareSubject("Really: it"), "Really: it");
});
