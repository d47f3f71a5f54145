"""A picture of a crossbar with wires: how much of its voltage each memristor loses, and what each column delivers."""

from hwsim.files.figures import new_figure, png_bytes
from hwsim.formatting import prefix
from hwsim.inspection.ir_drop import IRDrop
from hwsim.inspection.palette import SERIES


def picture(result: IRDrop, title: str) -> bytes:
    """Draw the map of lost voltage and the currents next to the ideal ones; returns the PNG's bytes."""
    figure = new_figure(10.5, 4.4, dpi=130)
    figure.suptitle(title, fontsize=11)
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1.0))
    image = left.imshow(100 * result.lost, aspect="auto", interpolation="nearest", cmap="viridis")
    figure.colorbar(image, ax=left, label="voltage lost in wires [% of the largest applied]")
    row, column = result.worst
    left.plot(column, row, marker="x", markersize=9, markeredgewidth=2, color=SERIES[1], clip_on=False)
    left.set(xlabel="column (read below the last row)", ylabel="row (driven from the left)")
    left.set_title(f"worst (×): row {row}, column {column}, {100 * result.lost[row, column]:.3g} %", fontsize=9)
    for axis in (left.xaxis, left.yaxis):
        axis.get_major_locator().set_params(integer=True)
    factor, letter = prefix(float(abs(result.crossbar.ideal).max()))
    right.plot(result.crossbar.ideal / factor, color=SERIES[0], linewidth=1.4, marker=".", label="without resistance in wires")
    right.plot(result.currents / factor, color=SERIES[1], linewidth=1.4, marker=".", label="with it")
    right.set(xlabel="column", ylabel=f"current [{letter}A]")
    right.set_title("what the columns deliver", fontsize=9)
    right.xaxis.get_major_locator().set_params(integer=True)
    right.set_ylim(bottom=min(0.0, right.get_ylim()[0]))
    right.grid(visible=True, alpha=0.3)
    right.legend(fontsize=8)
    return png_bytes(figure)
