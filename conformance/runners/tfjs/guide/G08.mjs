/** A layer is run by `apply()`. */

export const printed = async (stage) => (await stage.run("apply")).lines;

export const inChinese = async (stage) => (await stage.run("apply_chinese")).lines;
