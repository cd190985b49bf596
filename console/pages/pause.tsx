import { useState } from "preact/hooks";
import { post } from "../api.ts";
import { Confirm, Failure, type Question } from "../ui.tsx";

const question: Question = {
  title: "Hold new messages back?",
  text:
    "They wait with their senders until somebody resumes, also over a restart; programs are told to come back later. " +
    "What was accepted is answered.",
  action: "Pause",
  dangerous: true,
};

/** Holds new messages back, and takes them again. */
export function PauseIntake({ paused }: { readonly paused: boolean }) {
  const [asks, setAsks] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const set = async (what: "pause" | "resume") => {
    setFailure(undefined);
    try {
      await post(`/api/intake/${what}`, {});
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <>
      <p class="pause">
        {paused
          ? <button type="button" class="primary" onClick={() => void set("resume")}>Resume</button>
          : <button type="button" class="danger" onClick={() => setAsks(true)}>Pause</button>}
        <code>{paused ? "agent resume" : "agent pause"}</code>
      </p>
      {failure !== undefined && <Failure error={failure} />}
      <Confirm
        question={asks ? question : undefined}
        onAnswer={(agreed) => {
          setAsks(false);
          if (agreed) void set("pause");
        }}
      />
    </>
  );
}
