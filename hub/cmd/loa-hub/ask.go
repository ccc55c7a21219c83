package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxSecret is the longest password file, in bytes.
const maxSecret = 4096

// terminal returns the terminal behind the input, if there is one.
func (s *session) terminal() (*os.File, bool) {
	f, ok := s.in.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// ask asks one question on the terminal. Without one it says which flag answers.
func (s *session) ask(question, flag string) (string, error) {
	f, ok := s.terminal()
	if !ok {
		return "", fmt.Errorf("%w: give %s", errRefused, flag)
	}
	fmt.Fprintf(s.errOut, "%s: ", question)
	// A terminal hands out one line at a time.
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%w: no answer; give %s", errRefused, flag)
	}
	return strings.TrimSpace(line), nil
}

// secret returns the first line of a file ("-" is the input), or asks for it.
func (s *session) secret(file, question, flag string) (string, error) {
	if file == "" {
		f, ok := s.terminal()
		if !ok {
			return "", fmt.Errorf("%w: give %s", errRefused, flag)
		}
		fmt.Fprintf(s.errOut, "%s: ", question)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.errOut)
		if err != nil {
			return "", fmt.Errorf("%w: no answer; give %s", errRefused, flag)
		}
		return string(b), nil
	}
	r := s.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("%w: %s: %w", errRefused, flag, err)
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxSecret))
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("%w: %s: the first line is empty", errRefused, flag)
	}
	return line, nil
}
