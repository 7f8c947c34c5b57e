/** An SVG file with a caption, in the colours of GitHub's light and dark pages; `light` and `dark` add rules of its own. */
export function svgFile(
  { width, height }: { readonly width: number; readonly height: number },
  caption: string,
  { light, dark }: { readonly light: string; readonly dark: string },
  parts: readonly string[],
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11">
<title>${escapeXml(caption)}</title>
<style>svg{background:#fff}text{fill:#1f2328}${light}
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}${dark}}</style>
<text x="8" y="20" font-size="13" font-weight="600">${escapeXml(caption)}</text>
${parts.join("\n")}
</svg>
`;
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
