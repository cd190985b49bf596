import { options } from "preact";

/** Why a button is shut, for those who look at it. */
const reason = "A viewer sees everything and changes nothing";

/**
 * From now on every button that changes something is shut: those which look like it, primary and dangerous ones, on pages
 * that are not written yet too. The server refuses what is asked nevertheless.
 */
export function shutWhatChanges(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    if (vnode.type === "button" && "class" in vnode.props && /\b(?:primary|danger)\b/.test(String(vnode.props.class))) {
      Object.assign(vnode.props, { disabled: true, title: reason });
    }
    before?.(vnode);
  };
}
