"""What a kilowatt-hour weighs: the CO2 and other greenhouse gases that making it released, by country."""

KG_PER_KWH = {
    "CHN": 0.582,
    "DEU": 0.381,
    "FRA": 0.056,
    "IND": 0.713,
    "ITA": 0.331,
    "POL": 0.662,
    "SWE": 0.041,
    "USA": 0.369,
}
"""kg of CO2 equivalents a kWh in 2023, by ISO 3166 code: Ember's figures, as Our World in Data and codecarbon 3.3.2 give them."""

JOULES_PER_KWH = 3.6e6
