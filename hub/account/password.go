package account

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/text/unicode/norm"
)

// common are passwords long enough that are tried first by whoever guesses.
func common() []string {
	return []string{
		"1234567890", "0123456789", "0987654321", "12345678910", "123456789a", "a123456789", "1q2w3e4r5t", "1qaz2wsx3edc", "qwertyuiop",
		"qwerty1234", "qwerty12345", "password12", "password123", "password1234", "passw0rd123", "administrator", "admin12345", "admin123456",
		"matkhau123", "matkhau1234", "matkhau12345", "mat khau 123", "mậtkhẩu123", "vietnam123", "vietnam2025", "vietnam2026", "xinchao123",
		"iloveyou123", "anhyeuem123", "letmein123", "welcome123", "changeme123", "loaphuong123", "daitruyenthanh", "truyenthanh", "abcdefghij", "abcd123456",
	}
}

// checkPassword says whether a password is sensible for somebody. Error:
// problem.ErrInvalid.
func checkPassword(password string, id protocol.PersonID) error {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword || strings.TrimSpace(password) == "" {
		return problem.New(problem.ErrInvalid, "bad-password", "password",
			fmt.Sprintf("Mật khẩu phải có từ %d đến %d ký tự.", MinPassword, MaxPassword),
			fmt.Sprintf("A password has %d to %d characters.", MinPassword, MaxPassword))
	}
	lower := strings.ToLower(password)
	kinds := map[rune]bool{}
	for _, r := range lower {
		kinds[r] = true
	}
	// A name with little else is as good as known.
	rest := utf8.RuneCountInString(strings.ReplaceAll(lower, string(id), ""))
	if slices.Contains(common(), lower) || len(kinds) < 4 || id != "" && len(id) > 3 && rest < 4 {
		return problem.New(problem.ErrInvalid, "easy-password", "password", "Mật khẩu này quá dễ đoán; hãy dùng một câu ngắn mà chỉ anh/chị nghĩ ra.",
			"This password is too easy to guess; use a short sentence of your own.")
	}
	return nil
}

func (s *Service) newHash(password string, id protocol.PersonID) (string, error) {
	password = norm.NFC.String(password)
	if err := checkPassword(password, id); err != nil {
		return "", err
	}
	h, err := argon2id.CreateHash(password, &s.hash)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return h, nil
}
