import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Status } from "../../src/http/status_api.ts";
import type { BusView } from "../../src/http/bus_api.ts";
import { useStream } from "../live.ts";
import { Empty, Head, Late, Pill, Scroll, Tabs, When } from "../ui.tsx";
import { count, duration } from "../words.ts";
import { DeadLetters } from "./dead_letters.tsx";

/** What goes over the bus, who is behind, and what died on its way. */
export function BusPage({ status, part = "traffic" }: {
  readonly status: Signal<Status | undefined>;
  readonly part: string | undefined;
}) {
  const dead = status.value?.queues.dead.depth ?? 0;
  const tabs = [
    ["traffic", "Traffic"],
    ["dead-letters", dead === 0 ? "Dead letters" : `Dead letters (${dead.toLocaleString()})`],
  ] as const;
  return (
    <>
      <Head title="Bus" />
      <Tabs label="Parts of the bus" at="#/bus" tabs={tabs} current={part} />
      {part === "dead-letters" ? <DeadLetters status={status} /> : <Traffic />}
    </>
  );
}

function Traffic() {
  const bus = useStream<BusView>("/api/bus/live", "bus");
  if (bus === undefined) return <Late />;
  return (
    <>
      <Nats bus={bus} />
      <section class="stack">
        <h2>Who is behind</h2>
        <Consumers consumers={bus.consumers} />
      </section>
      <section class="stack">
        <h2>On the way out</h2>
        <Outbox outbox={bus.outbox} />
      </section>
      <Subjects subjects={bus.subjects} />
    </>
  );
}

/** Where the bus is, whether it is reached, and what waits on disk for it. */
function Nats({ bus: { nats, spill } }: { readonly bus: BusView }) {
  if (nats === undefined) {
    return (
      <p class="card">
        <Pill state="ok" /> The bus is inside this process. It keeps durable events in the ledger; nothing can be away.
      </p>
    );
  }
  const waits = nats.spilled === 0
    ? "No event waits on disk."
    : `${count(nats.spilled, "event")} ${nats.spilled === 1 ? "waits" : "wait"} on disk${
      nats.state === "up" ? " and drain now, in order" : ". They go out in order as soon as NATS is back"
    }. Nothing is lost.`;
  return (
    <div class={nats.state === "up" && nats.breaker === "closed" ? "card" : "card need"}>
      <p>
        <Pill state={nats.state} /> {nats.state === "up" ? "NATS is up since " : "NATS is away since "}
        <When at={nats.since} />.{" "}
        {nats.state === "down" && `${nats.reason ?? ""}. What this process can do alone goes on. `}
        {nats.state === "up" && nats.breaker !== "closed" &&
          `It takes no events at the moment; it is tried again (breaker ${nats.breaker.replace("_", " ")}). `}
        {nats.jetStream === false && "The server has no JetStream: start it with -js. "}
        {waits}
      </p>
      {nats.spilled > 0 && (
        <label class="budget">
          <span class="soft">{(100 * nats.fill).toFixed(1)} % of the room for them is used</span>
          <meter min={0} max={1} high={0.8} value={Math.min(1, nats.fill)} />
        </label>
      )}
      {spill.length > 0 && (
        <Scroll label="Events that wait for NATS">
          <table>
            <thead>
              <tr>
                <th>Waits for NATS</th>
                <th class="number">Events</th>
                <th class="number">Oldest</th>
              </tr>
            </thead>
            <tbody>
              {spill.map(({ subject, waiting, oldestSeconds }) => (
                <tr key={subject}>
                  <td class="mono">{subject}</td>
                  <td class="number">{waiting.toLocaleString()}</td>
                  <td class="number">{duration(oldestSeconds * 1_000)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {nats.state === "down" && (
        <p class="soft">
          See why: <code>agent logs --event nats</code>
        </p>
      )}
    </div>
  );
}

function Consumers({ consumers }: { readonly consumers: BusView["consumers"] }) {
  return (
    <Scroll label="Consumers of durable events">
      <table>
        <thead>
          <tr>
            <th>Consumer</th>
            <th class="number">Waiting</th>
            <th class="number">Oldest</th>
            <th>Takes</th>
          </tr>
        </thead>
        <tbody>
          {consumers.map(({ name, pattern, waiting, oldestSeconds, subjects }) => [
            <tr key={name}>
              <td>{name}</td>
              <td class="number">{waiting.toLocaleString()}</td>
              <td class="number">{waiting === 0 ? "–" : duration(oldestSeconds * 1_000)}</td>
              <td class="mono">{pattern}</td>
            </tr>,
            ...subjects.map((one) => (
              <tr key={`${name} ${one.subject}`} class="below">
                <td />
                <td class="number">{one.waiting.toLocaleString()}</td>
                <td class="number">{duration(one.oldestSeconds * 1_000)}</td>
                <td class="mono">{one.subject}</td>
              </tr>
            )),
          ])}
        </tbody>
      </table>
    </Scroll>
  );
}

function Outbox({ outbox }: { readonly outbox: BusView["outbox"] }) {
  if (outbox.length === 0) return <p class="soft">No message waits to be sent.</p>;
  return (
    <Scroll label="Messages that wait to be sent">
      <table>
        <thead>
          <tr>
            <th>Channel</th>
            <th class="number">Waiting</th>
            <th class="number">Oldest</th>
          </tr>
        </thead>
        <tbody>
          {outbox.map(({ channel, waiting, oldestSeconds }) => (
            <tr key={channel}>
              <td>
                <a href="#/channels">{channel}</a>
              </td>
              <td class="number">{waiting.toLocaleString()}</td>
              <td class="number">{duration(oldestSeconds * 1_000)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Subjects({ subjects }: { readonly subjects: BusView["subjects"] }) {
  const [wanted, setWanted] = useState("");
  const shown = subjects.filter(({ subject }) => subject.includes(wanted.trim()));
  return (
    <section class="stack">
      <header class="head">
        <h2>Subjects</h2>
        <div class="filters">
          <input
            data-search
            type="search"
            aria-label="Part of a subject"
            placeholder="Part of a subject"
            value={wanted}
            onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          />
        </div>
      </header>
      {shown.length === 0
        ? (
          <Empty title={subjects.length === 0 ? "Nothing went over the bus yet." : "No subject has this in its name."}>
            {subjects.length === 0 && (
              <p>
                Say something to an agent: <code>agent chat AGENT</code>, or <a href="#/chat">here</a>.
              </p>
            )}
          </Empty>
        )
        : (
          <Scroll label="Subjects">
            <table>
              <thead>
                <tr>
                  <th>Subject</th>
                  <th class="number">In a minute</th>
                  <th class="number">Out a minute</th>
                  <th class="number">In</th>
                  <th class="number">Out</th>
                  <th class="number">Last</th>
                </tr>
              </thead>
              <tbody>
                {shown.map(({ subject, came, went, cameLastMinute, wentLastMinute, lastAt }) => (
                  <tr key={subject}>
                    <td class="mono">{subject === ">" ? "all others" : subject}</td>
                    <td class="number">{cameLastMinute.toLocaleString()}</td>
                    <td class="number">{wentLastMinute.toLocaleString()}</td>
                    <td class="number">{came.toLocaleString()}</td>
                    <td class="number">{went.toLocaleString()}</td>
                    <td class="number">
                      <When at={lastAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
      <p class="soft">
        In: put on the bus. Out: handed on, to a consumer, a listener, whoever answers, or NATS. Counted since the
        process began.
      </p>
    </section>
  );
}
