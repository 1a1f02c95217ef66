/** A part of what is embedded in the page: JSON, gzip, base64, in the script element of that id. */
export async function unpack<T>(id: string): Promise<T> {
  const packed = atob(document.getElementById(id)!.textContent!);
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
