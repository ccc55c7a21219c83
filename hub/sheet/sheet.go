// Package sheet reads and writes spreadsheets: a table becomes an XLSX workbook,
// a workbook's first sheet becomes CSV. It decides how a sheet looks and which
// are too large to read. It never knows what the cells mean; a text that looks
// like a formula stays a text.
package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/xuri/excelize/v2"
)

// Limits of what is read.
const (
	maxFile     = 16 << 20  // bytes
	maxUnpacked = 256 << 20 // bytes of the workbook's parts
	maxRows     = 100_000
)

// Table is a sheet with a heading; cells are texts, whole numbers or floats.
type Table struct {
	Name    string // of the sheet
	Title   string // above the heading
	Columns []string
	Widths  []float64 // in letters, of the columns
	Rows    [][]any
}

// Write writes a workbook of the tables, one sheet each.
func Write(w io.Writer, tables ...Table) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	for i, t := range tables {
		if err := writeTable(f, i, t, bold); err != nil {
			return fmt.Errorf("sheet %s: %w", t.Name, err)
		}
	}
	_, err = f.WriteTo(w)
	return err
}

func writeTable(f *excelize.File, i int, t Table, bold int) error {
	if i == 0 {
		if err := f.SetSheetName("Sheet1", t.Name); err != nil {
			return err
		}
	} else if _, err := f.NewSheet(t.Name); err != nil {
		return err
	}
	s, err := f.NewStreamWriter(t.Name)
	if err != nil {
		return err
	}
	for c, width := range t.Widths {
		if err := s.SetColWidth(c+1, c+1, width); err != nil {
			return err
		}
	}
	row := 1
	put := func(cells []any) error {
		at, err := excelize.CoordinatesToCellName(1, row)
		if err != nil {
			return err
		}
		row++
		return s.SetRow(at, cells)
	}
	if t.Title != "" {
		if err := put([]any{excelize.Cell{StyleID: bold, Value: t.Title}}); err != nil {
			return err
		}
	}
	var heading []any
	for _, c := range t.Columns {
		heading = append(heading, excelize.Cell{StyleID: bold, Value: c})
	}
	if err := put(heading); err != nil {
		return err
	}
	for _, cells := range t.Rows {
		if err := put(cells); err != nil {
			return err
		}
	}
	return s.Flush()
}

// IsWorkbook says whether bytes begin like an XLSX file, whatever its name.
func IsWorkbook(b []byte) bool { return bytes.HasPrefix(b, []byte("PK\x03\x04")) }

// CSV returns the first sheet of a workbook as CSV: cells as the sheet shows them, but
// days as 2025-07-01. Errors: problem.ErrInvalid, problem.ErrTooLarge.
func CSV(b []byte) ([]byte, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("sheet: %w", problem.ErrTooLarge)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked / 8})
	if err != nil {
		return nil, problem.New(problem.ErrInvalid, "bad-sheet", "file", "Không đọc được tệp XLSX. Hãy lưu lại bằng phần mềm bảng tính, hoặc dùng CSV.", "The XLSX file cannot be read. Save it again, or use CSV.").Because(err)
	}
	defer f.Close()
	name := f.GetSheetName(0)
	rows, err := f.Rows(name)
	if err != nil {
		return nil, problem.New(problem.ErrInvalid, "bad-sheet", "file", "Tệp XLSX không có trang tính nào. Hãy chọn tệp khác.", "The XLSX file has no sheet. Choose another.").Because(err)
	}
	defer rows.Close()
	values, err := f.Rows(name) // the same rows, as they are stored
	if err != nil {
		return nil, fmt.Errorf("sheet: %w", err)
	}
	defer values.Close()
	props, err := f.GetWorkbookProps()
	if err != nil {
		return nil, fmt.Errorf("sheet: %w", err)
	}
	since1904 := props.Date1904 != nil && *props.Date1904
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	width := 0
	for n := 0; rows.Next(); n++ {
		if n > maxRows {
			return nil, fmt.Errorf("sheet: %w", problem.ErrTooLarge)
		}
		cells, err := rows.Columns()
		var stored []string
		if err == nil && values.Next() {
			stored, err = values.Columns(excelize.Options{RawCellValue: true})
		}
		if err != nil {
			return nil, problem.New(problem.ErrInvalid, "bad-sheet", "file", "Tệp XLSX có dòng không đọc được. Hãy lưu lại bằng phần mềm bảng tính, hoặc dùng CSV.", "The XLSX file has a line that cannot be read. Save it again, or use CSV.").Because(err)
		}
		for i, value := range stored[:min(len(stored), len(cells))] {
			if value != cells[i] && showsDay(f, name, i+1, n+1) {
				cells[i] = day(value, since1904, cells[i])
			}
		}
		if width == 0 {
			width = len(cells)
		}
		// A sheet leaves empty cells at a line's end out; CSV wants them.
		for len(cells) < width {
			cells = append(cells, "")
		}
		if width == 0 {
			continue
		}
		if err := w.Write(cells[:width]); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), errors.Join(w.Error(), rows.Error())
}

// showsDay says whether a cell's format is that of a day.
func showsDay(f *excelize.File, sheet string, column, row int) bool {
	at, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return false
	}
	id, err := f.GetCellStyle(sheet, at)
	if err != nil {
		return false
	}
	style, err := f.GetStyle(id)
	if err != nil {
		return false
	}
	if style.CustomNumFmt != nil {
		return strings.ContainsAny(strings.ToLower(literal.ReplaceAllString(*style.CustomNumFmt, "")), "dy")
	}
	// ECMA-376, part 1, 18.8.30.
	n := style.NumFmt
	return n >= 14 && n <= 17 || n >= 27 && n <= 31 || n == 36 || n >= 50 && n <= 58
}

// literal is what stands in a number's format without formatting: quoted text, colours
// and languages in brackets, escaped letters.
var literal = regexp.MustCompile(`"[^"]*"|\[[^\]]*\]|\\.`)

// day returns the day that a value counts, or otherwise what is no whole day.
func day(value string, since1904 bool, otherwise string) string {
	n, err := strconv.Atoi(value)
	if err != nil {
		return otherwise
	}
	t, err := excelize.ExcelDateToTime(float64(n), since1904)
	if err != nil {
		return otherwise
	}
	return t.Format(time.DateOnly)
}
