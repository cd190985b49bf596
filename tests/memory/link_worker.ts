/// <reference lib="deno.worker" />
// A worker that does what a test of the link to workers needs.
self.onmessage = ({ data }: MessageEvent<{ readonly type: string; readonly id?: number }>) => {
  switch (data.type) {
    case "ping":
      return self.postMessage({ type: "pong", open: 0 });
    case "close":
      return self.postMessage({ type: "closed" });
    case "echo":
      return self.postMessage({ type: "answer", id: data.id, value: "here" });
    case "throw":
      throw new Error("on purpose");
    case "leave":
      return self.close();
    case "silent":
      return;
  }
};
