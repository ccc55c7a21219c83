package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/studio/normalise"
)

type studioCmd struct {
	Read readCmd `cmd:"" help:"Print how each line of a text is read."`
}

type readCmd struct {
	File     string `arg:"" optional:"" help:"UTF-8 text; standard input if missing."`
	Southern bool   `help:"Southern forms: ngàn, lẻ."`
	List     string `help:"The commune's own pronunciations, which go before every rule: a text file, one \"written = said\" a line (Ea H'leo = ê a hờ leo). A key without capitals matches in any case; lines that begin with # are notes." placeholder:"FILE"`
	Doubts   bool   `help:"Say on standard error which places have more than one reading, by line and column."`
}

// Run implements the command.
func (r readCmd) Run(s *session) error {
	in := s.in
	if r.File != "" && r.File != "-" {
		f, err := os.Open(r.File)
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		defer f.Close()
		in = f
	}
	opt := normalise.Options{Southern: r.Southern}
	if r.List != "" {
		f, err := os.Open(r.List)
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		defer f.Close()
		if opt.Pronounce, err = normalise.ParseList(f); err != nil {
			return fmt.Errorf("%w: %s: %w", errRefused, r.List, err)
		}
	}
	read := normalise.ReadLines
	if r.Doubts {
		read = s.readDoubts
	}
	err := read(in, s.out, opt)
	if errors.Is(err, normalise.ErrEncoding) || errors.Is(err, syscall.EISDIR) || errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("%w: %w; give a text file saved as UTF-8", errRefused, err)
	}
	return err
}

// readDoubts is normalise.ReadLines with the doubtful places on standard error.
func (s *session) readDoubts(in io.Reader, out io.Writer, opt normalise.Options) error {
	return normalise.EachLine(in, opt, func(n int, line normalise.Reading) error {
		for _, a := range line.Ambiguous {
			text := fmt.Sprintf("%d:%d: %q is read %q", n, 1+utf8.RuneCountInString(line.Text[:a.Offset]), a.From, a.Read)
			if len(a.Options) > 0 {
				text += fmt.Sprintf(", or %q", strings.Join(a.Options, "/"))
			}
			fmt.Fprintf(s.errOut, "%s (%s)\n", text, a.Why)
		}
		_, err := fmt.Fprintln(out, line.Words)
		return err
	})
}
