import style from "uplot/dist/uPlot.min.css" with { type: "text" };

/** The style sheet of charts, which is served as a file: the content security policy allows no other. */
export const plotStyle = style;
