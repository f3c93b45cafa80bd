"""The axes of inertial sensors as arrays, for the checks of them."""

import numpy as np
import numpy.typing as npt

from rushes.contracts import StreamView
from rushes.model import absent

GYRO = ("gyro_x_rad_s", "gyro_y_rad_s", "gyro_z_rad_s")
ACCEL = ("accel_x_m_s2", "accel_y_m_s2", "accel_z_m_s2")
Values = npt.NDArray[np.float64]


def axes_of(view: StreamView, names: tuple[str, ...]) -> Values | None:
    """Give shape (n, 3) with NaN where absent; None where the sensor is not there at all."""
    columns: list[Values] = []
    for name in names:
        column = view.columns.get(name)
        if column is None:
            return None
        columns.append(np.where(absent(column), np.nan, np.asarray(column, np.float64)))
    values = np.stack(columns, axis=1)
    return None if np.isnan(values).all() else values
