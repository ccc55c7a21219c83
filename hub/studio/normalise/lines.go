package normalise

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxLine bounds a line that ReadLines holds in memory, in bytes.
const maxLine = 4 << 20

// ReadLines writes, for each line of UTF-8 text in r, its words as one line to w;
// an empty line gives an empty line. Errors are those of r and w, and
// bufio.ErrTooLong for a line over 4 MiB.
func ReadLines(r io.Reader, w io.Writer, opt Options) error {
	reading := newReader(opt)
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), maxLine)
	out := bufio.NewWriter(w)
	first := true
	for in.Scan() {
		line := in.Text()
		if first {
			line = strings.TrimPrefix(line, "\uFEFF")
			first = false
		}
		if _, err := out.WriteString(reading.read(line).Words + "\n"); err != nil {
			return fmt.Errorf("read lines: %w", err)
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return nil
}
