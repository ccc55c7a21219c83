package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/image/font/opentype"
)

func main() {
	hexFile := flag.String("hex", "", "Unifont in hex form, for rows of 16 px")
	outline := flag.String("outline", "", "outline font (TrueType or OpenType), for the rows of -rows")
	rows := flag.String("rows", "24,32,48,96,160", "row heights of the outline font, px")
	out := flag.String("out", "protocol/page/atlas", "folder to write to")
	lunar := flag.String("lunar", "", "file to write the lunar calendar's table to")
	flag.Parse()
	err := run(*hexFile, *outline, *rows, *out)
	if err == nil && *lunar != "" {
		err = os.WriteFile(*lunar, []byte(lunarTable(2000, 2100)), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bake:", err)
		os.Exit(1)
	}
}

func run(hexFile, outline, rows, out string) error {
	want := letters()
	if hexFile != "" {
		in, err := os.Open(hexFile)
		if err != nil {
			return fmt.Errorf("open hex: %w", err)
		}
		defer in.Close()
		glyphs, err := readUnifont(in, want)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(out, "unifont16.atlas"), unifontRow, unifontBaseline, glyphs); err != nil {
			return err
		}
	}
	if outline == "" {
		return nil
	}
	b, err := os.ReadFile(outline)
	if err != nil {
		return fmt.Errorf("open outline font: %w", err)
	}
	f, err := opentype.Parse(b)
	if err != nil {
		return fmt.Errorf("outline font: %w", err)
	}
	for s := range strings.SplitSeq(rows, ",") {
		row, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("row height: %w", err)
		}
		baseline, glyphs, err := outlineGlyphs(f, row, want)
		if err != nil {
			return fmt.Errorf("row of %d px: %w", row, err)
		}
		if err := write(filepath.Join(out, fmt.Sprintf("noto%d.atlas", row)), row, baseline, glyphs); err != nil {
			return err
		}
	}
	return nil
}

func write(file string, row, baseline int, glyphs []glyph) error {
	b, err := encode(row, baseline, glyphs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return fmt.Errorf("write atlas: %w", err)
	}
	fmt.Printf("%s: %d glyphs, %d bytes\n", file, len(glyphs), len(b))
	return nil
}
