package normalise

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxLine bounds a line that EachLine holds in memory, in bytes.
const maxLine = 4 << 20

// EachLine calls f for each line of UTF-8 text in r with the line's number, from
// 1, and its reading. Errors are those of r and f, ErrEncoding for a line that is not
// UTF-8 or holds a NUL (UTF-16, a program), and bufio.ErrTooLong for one over 4 MiB.
func EachLine(r io.Reader, opt Options, f func(n int, line Reading) error) error {
	reading := newReader(opt)
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		if n == 1 {
			line = strings.TrimPrefix(line, "\uFEFF")
		}
		if !utf8.ValidString(line) || strings.IndexByte(line, 0) >= 0 {
			return fmt.Errorf("line %d: %w", n, ErrEncoding)
		}
		if err := f(n, reading.read(line)); err != nil {
			return fmt.Errorf("read lines: %w", err)
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return nil
}

// ReadLines writes, for each line of UTF-8 text in r, its words as one line to w;
// an empty line gives an empty line. Errors are those of EachLine and w.
func ReadLines(r io.Reader, w io.Writer, opt Options) error {
	out := bufio.NewWriter(w)
	err := EachLine(r, opt, func(_ int, line Reading) error {
		_, err := out.WriteString(line.Words + "\n")
		return err
	})
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return nil
}
